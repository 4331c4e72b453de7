//! Which keys are in sight: the camera follows the notes, slowly and no further than it must.

use crate::standalone::roll::RollNote;

/// Keys that are left free above and below the notes.
const MARGIN: i32 = 2;
/// The middle of the keyboard, where the camera looks before anything is played.
const MIDDLE: i32 = 60;
/// The highest key.
const TOP: i32 = 127;

/// The keys in sight.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Camera {
    /// The highest, once the first notes were seen.
    top: Option<i32>,
    /// How many there are room for.
    room: i32,
}

impl Camera {
    /// Looks where the notes between two times are, with room for so many keys.
    pub(super) fn follow(&mut self, notes: &[RollNote], from: f64, to: f64, room: u16) {
        let room = i32::from(room).max(1);
        let seen = notes.iter().filter(|n| n.start_beats < to && n.end_beats() > from);
        let mut keys = seen.map(|n| i32::from(n.key).min(TOP));
        let Some(first) = keys.next() else {
            if self.room != room {
                *self = Self { top: None, room };
            }
            return;
        };
        let (low, high) = keys.fold((first, first), |(l, h), k| (l.min(k), h.max(k)));
        let middle = i32::midpoint(low, high) + room / 2;
        let goal = match self.top {
            _ if high - low + 2 * MARGIN >= room => middle,
            // Where they fit, only as far as brings them in sight.
            Some(top) if self.room == room => top.max(high + MARGIN).min(low - MARGIN + room - 1),
            _ => middle,
        };
        let top = match self.top {
            // An eighth of the way each time: an octave takes half a second.
            Some(top) if self.room == room => {
                top + (goal - top).signum() * ((goal - top).abs() / 8).max((goal != top).into())
            }
            _ => goal,
        };
        *self = Self { top: Some(sane(top, room)), room };
    }

    /// The highest key in sight, where there is room for so many.
    pub(super) fn top(&self, room: u16) -> i32 {
        let room = i32::from(room).max(1);
        let looked = self.top.filter(|_| self.room == room);
        sane(looked.unwrap_or(MIDDLE + room / 2), room)
    }
}

/// No key above the highest, and none below the lowest, as far as they don't all fit.
fn sane(top: i32, room: i32) -> i32 {
    if room > TOP { TOP + (room - TOP) / 2 } else { top.clamp(room - 1, TOP) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::standalone::Part;

    fn note(key: u8) -> RollNote {
        let part = Part::Player;
        RollNote { part, start_beats: 1.0, len_beats: 1.0, key, velocity: 80, planned: false }
    }

    #[test]
    fn it_follows_slowly_and_only_as_far_as_it_must() {
        let mut camera = Camera::default();
        assert_eq!(camera.top(20), 70);
        camera.follow(&[note(60), note(64)], 0.0, 4.0, 20);
        assert_eq!(camera.top(20), 72, "at first it is there at once");
        camera.follow(&[note(56), note(68)], 0.0, 4.0, 20);
        assert_eq!(camera.top(20), 72, "what is in sight moves nothing");
        camera.follow(&[note(75)], 0.0, 4.0, 20);
        assert_eq!(camera.top(20), 73);
        for _ in 0..40 {
            camera.follow(&[note(75)], 0.0, 4.0, 20);
        }
        assert_eq!(camera.top(20), 77);
        camera.follow(&[note(20)], 5.0, 9.0, 20);
        assert_eq!(camera.top(20), 77, "what is out of time moves nothing");
        camera.follow(&[note(20)], 0.0, 4.0, 30);
        assert_eq!(camera.top(30), 35, "another size is another view");
    }

    #[test]
    fn no_key_is_beyond_the_keyboard_while_there_are_others() {
        let mut camera = Camera::default();
        for (key, room, top) in
            [(0, 20, 19), (127, 21, 127), (0, 1, 0), (127, 400, 263), (200, 9, 127)]
        {
            camera.follow(&[note(key)], 0.0, 4.0, room);
            assert_eq!(camera.top(room), top, "{key} {room}");
        }
    }
}
