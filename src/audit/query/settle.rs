//! Waits until a gate at work has signed for what there is now: so that a trail which grows can be asked about without
//! a tail that is unsigned for no other reason than that it is new.

use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::audit::line::Line;
use crate::audit::query::facts::micros;
use crate::audit::query::follow::follow;
use crate::audit::record::Kind;
use crate::audit::segment;
use crate::audit::text_of::Text;
use crate::limits;

/// The last record that is there now, once a checkpoint signs for it; `None` when none came, and at once where no gate
/// seems to be at work.
pub fn settle(directory: &Path) -> io::Result<Option<u64>> {
    let mut followed = follow(directory)?;
    let Some(found) = segment::list(directory)?.pop() else { return Ok(None) };
    let line = Text::open(&found)?.last_line()?;
    let Some(last) = Line::parse(&line) else { return Ok(None) };
    if last.kind == Kind::Checkpoint {
        return Ok(Some(last.seq));
    }
    let age = micros(last.time).map(|at| Timestamp::now().as_microsecond().saturating_sub(at));
    let recent = i64::try_from(limits::CHECKPOINT_IDLE.as_micros()).unwrap_or(i64::MAX);
    if age.is_none_or(|age| age > recent) {
        return Ok(None);
    }
    let begun = Instant::now();
    while begun.elapsed() < limits::SETTLE {
        match followed.next_line()? {
            Some(line) => {
                let line = Line::parse(line);
                if line.is_some_and(|line| line.kind == Kind::Checkpoint && line.seq > last.seq) {
                    return Ok(Some(last.seq));
                }
            }
            None => thread::sleep(LOOK),
        }
    }
    Ok(None)
}

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(50);
