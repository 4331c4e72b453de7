//! The alphabet of the `duet` models: 256 tokens, and the grammar that strings of them obey.
//!
//! A note of the player is `player pitch, velocity`; a note of the machine is `machine pitch, velocity,
//! duration`. Time passes by shifts of 1 to 48 ticks. Inside a tick notes come from low to high.

use crate::music::pitch::Pitch;

/// Tokens in the alphabet.
pub const VOCABULARY: usize = 256;

/// The longest time shift in ticks: a bar of 4/4.
pub const MAX_SHIFT: i64 = 48;

/// The lengths of machine notes in ticks, from a 48th of a bar to two bars.
pub const DURATIONS: [i64; 24] =
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 18, 21, 24, 30, 36, 48, 60, 72, 96];

/// Velocity steps: 16 MIDI velocities each.
pub const VELOCITY_BINS: u8 = 8;

const SHIFT_BASE: u16 = 0;
const PLAYER_BASE: u16 = 48;
const MACHINE_BASE: u16 = 136;
const VELOCITY_BASE: u16 = 224;
const DURATION_BASE: u16 = 232;

/// One letter of the alphabet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Token {
    /// Time passes: 1 to 48 ticks.
    Shift(u8),
    /// The player's key, A0 to C8.
    Player(Pitch),
    /// The machine's key, A0 to C8.
    Machine(Pitch),
    /// How loud the note just named is: `0..VELOCITY_BINS`.
    Velocity(u8),
    /// How long the machine's note lasts: an index into [`DURATIONS`].
    Duration(u8),
}

impl Token {
    /// The ticks of the longest shift.
    pub const LONGEST_SHIFT: u8 = MAX_SHIFT as u8;

    /// What every stream begins with, unpredicted: a bar in which nothing happened.
    pub const START: Self = Self::Shift(MAX_SHIFT as u8);

    /// The token's number, `0..VOCABULARY`. Values outside a kind's range are clamped into it.
    pub fn id(self) -> u16 {
        let key = |p: Pitch| u16::from(p.on_piano().number() - Pitch::PIANO_LOW.number());
        match self {
            Self::Shift(ticks) => SHIFT_BASE + u16::from(ticks.clamp(1, MAX_SHIFT as u8)) - 1,
            Self::Player(pitch) => PLAYER_BASE + key(pitch),
            Self::Machine(pitch) => MACHINE_BASE + key(pitch),
            Self::Velocity(bin) => VELOCITY_BASE + u16::from(bin.min(VELOCITY_BINS - 1)),
            Self::Duration(index) => {
                DURATION_BASE + u16::from(index.min(DURATIONS.len() as u8 - 1))
            }
        }
    }

    /// The token with this number, if there is one.
    pub fn from_id(id: u16) -> Option<Self> {
        let key = |base: u16| Pitch::new((id - base) as u8 + Pitch::PIANO_LOW.number());
        Some(match id {
            SHIFT_BASE..PLAYER_BASE => Self::Shift(id as u8 + 1),
            PLAYER_BASE..MACHINE_BASE => Self::Player(key(PLAYER_BASE)),
            MACHINE_BASE..VELOCITY_BASE => Self::Machine(key(MACHINE_BASE)),
            VELOCITY_BASE..DURATION_BASE => Self::Velocity((id - VELOCITY_BASE) as u8),
            DURATION_BASE..256 => Self::Duration((id - DURATION_BASE) as u8),
            _ => return None,
        })
    }

    /// What the token says.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Shift(_) => Kind::Shift,
            Self::Player(_) => Kind::PlayerPitch,
            Self::Machine(_) => Kind::MachinePitch,
            Self::Velocity(_) => Kind::Velocity,
            Self::Duration(_) => Kind::Duration,
        }
    }
}

/// The kinds of tokens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// Time passes.
    Shift,
    /// A key of the player.
    PlayerPitch,
    /// A key of the machine.
    MachinePitch,
    /// Loudness of the note just named.
    Velocity,
    /// Length of the machine's note just named.
    Duration,
}

impl Kind {
    /// Every kind, in the order of their token numbers.
    pub const ALL: [Self; 5] =
        [Self::Shift, Self::PlayerPitch, Self::MachinePitch, Self::Velocity, Self::Duration];

    /// The numbers of the tokens of this kind.
    pub const fn ids(self) -> std::ops::Range<usize> {
        let (from, to) = match self {
            Self::Shift => (SHIFT_BASE, PLAYER_BASE),
            Self::PlayerPitch => (PLAYER_BASE, MACHINE_BASE),
            Self::MachinePitch => (MACHINE_BASE, VELOCITY_BASE),
            Self::Velocity => (VELOCITY_BASE, DURATION_BASE),
            Self::Duration => (DURATION_BASE, VOCABULARY as u16),
        };
        from as usize..to as usize
    }
}

/// What may come next: the state of the grammar.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Expect {
    /// A shift or a note of either voice.
    #[default]
    Event,
    /// The velocity of the player's note.
    PlayerVelocity,
    /// The velocity of the machine's note.
    MachineVelocity,
    /// The duration of the machine's note.
    MachineDuration,
}

impl Expect {
    /// Whether `token` may come now.
    pub const fn allows(self, token: Token) -> bool {
        matches!(
            (self, token.kind()),
            (Self::Event, Kind::Shift | Kind::PlayerPitch | Kind::MachinePitch)
                | (Self::PlayerVelocity | Self::MachineVelocity, Kind::Velocity)
                | (Self::MachineDuration, Kind::Duration)
        )
    }

    /// The state after `token`.
    #[must_use]
    pub const fn after(self, token: Token) -> Self {
        match (self, token) {
            (_, Token::Player(_)) => Self::PlayerVelocity,
            (_, Token::Machine(_)) => Self::MachineVelocity,
            (Self::MachineVelocity, Token::Velocity(_)) => Self::MachineDuration,
            _ => Self::Event,
        }
    }
}

/// The bin of a MIDI velocity.
pub const fn velocity_bin(velocity: u8) -> u8 {
    let v = if velocity > 127 { 127 } else { velocity };
    v / (128 / VELOCITY_BINS)
}

/// The middle of a bin as a MIDI velocity.
pub const fn bin_velocity(bin: u8) -> u8 {
    bin * (128 / VELOCITY_BINS) + 128 / VELOCITY_BINS / 2
}

/// The index of the nearest duration; of two equally near the shorter.
pub fn duration_index(ticks: i64) -> u8 {
    let mut best = 0;
    for (i, d) in DURATIONS.iter().enumerate() {
        if d.abs_diff(ticks) < DURATIONS[best].abs_diff(ticks) {
            best = i;
        }
    }
    best as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_tokens_are_one_to_one() {
        for id in 0..VOCABULARY as u16 {
            let token = Token::from_id(id).unwrap();
            assert_eq!(token.id(), id);
            assert!(token.kind().ids().contains(&usize::from(id)));
        }
        assert_eq!(Token::from_id(256), None);
    }

    #[test]
    fn the_kinds_tile_the_alphabet() {
        let mut next = 0;
        for kind in Kind::ALL {
            assert_eq!(kind.ids().start, next);
            next = kind.ids().end;
        }
        assert_eq!(next, VOCABULARY);
    }

    #[test]
    fn durations_round_to_the_nearest() {
        assert_eq!(DURATIONS[usize::from(duration_index(13))], 12);
        assert_eq!(DURATIONS[usize::from(duration_index(0))], 1);
        assert_eq!(DURATIONS[usize::from(duration_index(i64::MAX))], 96);
        assert!(DURATIONS.is_sorted());
    }

    #[test]
    fn velocities_stay_in_their_bin() {
        for velocity in 0..=255 {
            let bin = velocity_bin(velocity);
            assert_eq!(velocity_bin(bin_velocity(bin)), bin);
        }
    }
}
