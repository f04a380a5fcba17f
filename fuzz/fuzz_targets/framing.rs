//! What the guard lets pass does not depend on cuts.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate::fuzzing::framing(data));
