//! Something small that comes between the pieces of a message, as the control frames of a WebSocket do.

use bytes::Bytes;

use super::body::Body;
use super::inspector::{Inspector, Phase};
use super::{Head, Step};

impl Inspector {
    /// Judges it on its own, under the count of all messages; what leaves of it, unless it stops them all. The message that
    /// is under way goes on as it was.
    pub fn aside(&mut self, whole: Bytes) -> Option<Vec<u8>> {
        if self.phase == Phase::Stopped {
            return None;
        }
        let between = Body::new(self.body.hold.next());
        let body = std::mem::replace(&mut self.body, between);
        let phase = std::mem::replace(&mut self.phase, Phase::Held);
        let how = (self.streamed, self.recoded);
        (self.streamed, self.recoded) = (false, false);
        let head = Head { target: None, fields: &[], length: None, coding: None, events: false };
        self.body.announce(&head, None);
        let stops = [self.push(whole), self.finish()].contains(&Step::Stop);
        let mut out = Vec::new();
        while let Some(piece) = self.next_released() {
            out.extend_from_slice(&piece);
        }
        self.asides += self.body.hold.limit();
        self.past = std::mem::take(&mut self.past).and(self.body.coverage());
        self.body = body;
        (self.streamed, self.recoded) = how;
        if stops {
            self.stop();
            return None;
        }
        self.phase = phase;
        Some(out)
    }
}
