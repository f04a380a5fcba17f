//! Buffers that records are encoded into, used again and again by the threads that write them.

use std::cell::RefCell;

use crate::limits::{AUDIT_SPARE, AUDIT_SPARE_BYTES};

thread_local! {
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// An empty buffer with room for a common record.
pub(super) fn take() -> Vec<u8> {
    let spare = SPARE.try_with(|spare| spare.borrow_mut().pop()).ok().flatten();
    spare.unwrap_or_else(|| Vec::with_capacity(AUDIT_SPARE_BYTES))
}

/// Keeps a buffer for the next record, unless it is an odd one or there are enough.
pub(super) fn give_back(mut buffer: Vec<u8>) {
    if buffer.capacity() != AUDIT_SPARE_BYTES {
        return;
    }
    buffer.clear();
    // A thread that ends keeps nothing.
    let _ = SPARE.try_with(|spare| {
        let mut spare = spare.borrow_mut();
        if spare.len() < AUDIT_SPARE {
            spare.push(buffer);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_come_back_empty_and_within_bounds() {
        let mut buffer = take();
        buffer.extend_from_slice(b"{}");
        let place = buffer.as_ptr();
        give_back(buffer);
        let again = take();
        assert!(again.is_empty() && again.as_ptr() == place);
        give_back(Vec::with_capacity(2 * AUDIT_SPARE_BYTES));
        for _ in 0..2 * AUDIT_SPARE {
            give_back(Vec::with_capacity(AUDIT_SPARE_BYTES));
        }
        SPARE.with(|spare| {
            let spare = spare.borrow();
            assert_eq!(spare.len(), AUDIT_SPARE);
            assert!(spare.iter().all(|buffer| buffer.capacity() == AUDIT_SPARE_BYTES));
        });
    }
}
