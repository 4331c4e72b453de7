//! What was played and heard, on frames of the server, and where the song was.

use sideman::music::event::{Channel, Midi};

use crate::jack::{Event, Way};

/// Where the song was in one block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    /// The block's first frame.
    frame: u64,
    rolling: bool,
    /// Samples since the song's beginning.
    sample: u64,
}

/// A note as it was heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Note {
    pub(crate) on: u64,
    /// `None` while it sounds.
    pub(crate) off: Option<u64>,
    pub(crate) key: u8,
}

#[derive(Default)]
pub(crate) struct Take {
    played: Vec<(u64, Midi)>,
    heard: Vec<(u64, Midi)>,
    places: Vec<Place>,
}

impl Take {
    pub(crate) fn add(&mut self, event: &Event) {
        let list = match event.way {
            Way::Place => return self.places.extend(place(event)),
            Way::Played => &mut self.played,
            Way::Heard => &mut self.heard,
        };
        list.extend(Midi::from_bytes(event.bytes()).map(|midi| (event.frame, midi)));
    }

    /// Frame and key of the notes that were played.
    pub(crate) fn played_ons(&self) -> Vec<(u64, u8)> {
        let on = |(frame, midi): &(u64, Midi)| match midi {
            Midi::NoteOn { key, .. } => Some((*frame, *key)),
            _ => None,
        };
        self.played.iter().filter_map(on).collect()
    }

    /// The notes that were heard on a channel. Holds that no key is struck while it sounds and that none is let go that
    /// does not.
    #[track_caller]
    pub(crate) fn notes(&self, channel: Channel) -> Vec<Note> {
        let mut notes = Vec::<Note>::new();
        for (frame, midi) in &self.heard {
            match *midi {
                Midi::NoteOn { channel: of, key, .. } if of == channel => {
                    let sounds = notes.iter().any(|n| n.key == key && n.off.is_none());
                    assert!(!sounds, "key {key} is struck twice at frame {frame}");
                    notes.push(Note { on: *frame, off: None, key });
                }
                Midi::NoteOff { channel: of, key, .. } if of == channel => {
                    let open = notes.iter_mut().find(|n| n.key == key && n.off.is_none());
                    let open = open.unwrap_or_else(|| panic!("key {key} ends twice at {frame}"));
                    open.off = Some(*frame);
                }
                _ => {}
            }
        }
        notes
    }

    /// The song's sample on a frame, while it rolls.
    pub(crate) fn song_at(&self, frame: u64) -> Option<u64> {
        let after = self.places.partition_point(|place| place.frame <= frame);
        let place = self.places[..after].last().filter(|place| place.rolling)?;
        Some(place.sample + frame - place.frame)
    }

    /// The last block's place.
    pub(crate) fn last_place(&self) -> Option<Place> {
        self.places.last().copied()
    }

    /// How often the song went back.
    pub(crate) fn jumps_back(&self) -> usize {
        self.places.windows(2).filter(|pair| pair[1].sample < pair[0].sample).count()
    }
}

impl Place {
    pub(crate) fn frame(&self) -> u64 {
        self.frame
    }

    pub(crate) fn is_rolling(&self) -> bool {
        self.rolling
    }

    pub(crate) fn sample(&self) -> u64 {
        self.sample
    }
}

/// Reads what `position.lua` writes.
fn place(event: &Event) -> Option<Place> {
    let [0xf0, 0x7d, rolling, groups @ .., 0xf7] = event.bytes() else {
        return None;
    };
    let sample = groups.iter().rev().fold(0, |sample, group| sample << 7 | u64::from(*group));
    Some(Place { frame: event.frame, rolling: *rolling == 1, sample })
}
