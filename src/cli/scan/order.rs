//! What many threads have to say, said in the order of the files.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::progress::Progress;
use crate::cli::Output;
use crate::limits;

/// What is to be said of one file.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) out: Vec<u8>,
    /// Lines for standard error.
    pub(super) err: Vec<String>,
}

/// The one place where output is written.
pub(super) struct Order<'a> {
    state: Mutex<State<'a>>,
    turned: Condvar,
    progress: &'a Progress,
}

struct State<'a> {
    /// The file that may speak.
    turn: usize,
    /// Those that are done before their turn.
    parked: BTreeMap<usize, Said>,
    parked_bytes: usize,
    output: &'a mut Output,
    failed: Option<io::Error>,
}

impl<'a> Order<'a> {
    pub(super) fn new(output: &'a mut Output, progress: &'a Progress) -> Order<'a> {
        let state = State { turn: 0, parked: BTreeMap::new(), parked_bytes: 0, output, failed: None };
        Order { state: Mutex::new(state), turned: Condvar::new(), progress }
    }

    fn state(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_for<'s>(
        &'s self,
        mut state: MutexGuard<'s, State<'a>>,
        file: usize,
    ) -> MutexGuard<'s, State<'a>> {
        while state.turn != file && state.failed.is_none() {
            state = self.turned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state
    }

    /// Part of what a file has to say, once it is much: written when it has the turn, kept while there is room, and
    /// waited with when there is none. Gives whether to go on.
    pub(super) fn part(&self, file: usize, said: &mut Said) -> bool {
        if said.out.len() < limits::SCAN_SAID {
            return true;
        }
        let mut state = self.state();
        if state.turn != file && said.out.len() < limits::SCAN_KEPT {
            return state.failed.is_none();
        }
        state = self.wait_for(state, file);
        state.say(said, self.progress);
        said.out.clear();
        state.failed.is_none()
    }

    /// The last of what a file has to say. Gives whether to go on.
    pub(super) fn last(&self, file: usize, said: Said) -> bool {
        let mut state = self.state();
        if state.turn != file && state.parked_bytes + said.out.len() > limits::SCAN_KEPT {
            state = self.wait_for(state, file);
        }
        if state.turn != file {
            // Files that have nothing to say take room too.
            state.parked_bytes += said.out.len() + size_of::<Said>();
            state.parked.insert(file, said);
            return state.failed.is_none();
        }
        let mut next = Some(said);
        while let Some(mut said) = next {
            state.say(&mut said, self.progress);
            state.turn += 1;
            let turn = state.turn;
            next = state.parked.remove(&turn);
            if let Some(said) = &next {
                state.parked_bytes -= said.out.len() + size_of::<Said>();
            }
        }
        self.turned.notify_all();
        state.failed.is_none()
    }

    /// How the writing went.
    pub(super) fn end(self) -> io::Result<()> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.failed.map_or(Ok(()), Err)
    }
}

impl State<'_> {
    fn say(&mut self, said: &mut Said, progress: &Progress) {
        if said.out.is_empty() && said.err.is_empty() {
            return;
        }
        progress.clear();
        if self.failed.is_none() {
            let written = self.output.write_all(&said.out).and_then(|()| {
                // Somebody watches, or what follows on standard error belongs behind it.
                if progress.is_on() || !said.err.is_empty() { self.output.flush() } else { Ok(()) }
            });
            self.failed = written.err();
        }
        said.err.drain(..).for_each(|line| eprintln!("tidegate: {line}"));
    }
}
