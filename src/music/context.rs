//! What a musician has in the ear besides the last token: which pitch classes sound, the key of the last
//! bars, and what was played here a bar and four bars ago. Computed from the tokens alone, so that training
//! and live playing see the same thing.

use crate::music::pitch::Pitch;
use crate::music::time::{Bars, Tick};
use crate::music::token::{MAX_SHIFT, Token};

/// Numbers in a [`Context`]'s features.
pub const FEATURES: usize = 73;

/// Ticks that the onset memory reaches back: four bars of 4/4 and what a look ahead there needs.
const MEMORY: usize = 256;
/// Ticks in which a recent note fades to 1/e: two beats.
const RECENT_TICKS: f32 = 24.0;
/// Ticks in which a note fades to 1/e from the sense of key: eight bars.
const KEY_TICKS: f32 = 384.0;
/// Ticks looked ahead from a bar and four bars ago: a beat.
const LOOK: usize = 12;

/// The ear: fed token by token, small enough to be copied into each snapshot.
#[derive(Clone, Debug)]
pub struct Context {
    now: Tick,
    bars: Bars,
    recent: [[f32; 12]; 2],
    key: [f32; 12],
    /// Sets of pitch classes by onset tick modulo [`MEMORY`]: the player's, the machine's.
    onsets: [[u16; MEMORY]; 2],
}

impl Context {
    /// An ear that has heard nothing.
    pub const fn new(now: Tick, bars: Bars) -> Self {
        Self { now, bars, recent: [[0.0; 12]; 2], key: [0.0; 12], onsets: [[0; MEMORY]; 2] }
    }

    /// The time reached.
    pub const fn now(&self) -> Tick {
        self.now
    }

    /// The place in the bar, `0..Bars::PLACES`.
    pub const fn place(&self) -> u8 {
        self.bars.place(self.now)
    }

    /// Moves the bar lines from here on (a metre change or a jump of the host).
    pub const fn set_bars(&mut self, bars: Bars) {
        self.bars = bars;
    }

    /// Moves on to a tick in silence, past what shifts have told: after a silence too long to be written out.
    pub fn rejoin(&mut self, now: Tick) {
        self.now = now.max(self.now);
        self.onsets = [[0; MEMORY]; 2];
    }

    /// Hears a token.
    pub fn push(&mut self, token: Token) {
        match token {
            Token::Shift(ticks) => self.shift(i64::from(ticks)),
            Token::Player(pitch) => self.onset(0, pitch),
            Token::Machine(pitch) => self.onset(1, pitch),
            Token::Velocity(_) | Token::Duration(_) => {}
        }
    }

    fn onset(&mut self, voice: usize, pitch: Pitch) {
        let class = usize::from(pitch.class().number());
        self.recent[voice][class] += 1.0;
        self.key[class] += 1.0;
        self.onsets[voice][slot(self.now)] |= pitch.class().bit();
    }

    fn shift(&mut self, ticks: i64) {
        let ticks = ticks.clamp(0, MAX_SHIFT);
        let recent_fade = (-(ticks as f32) / RECENT_TICKS).exp();
        let key_fade = (-(ticks as f32) / KEY_TICKS).exp();
        self.recent.as_flattened_mut().iter_mut().for_each(|x| *x *= recent_fade);
        self.key.iter_mut().for_each(|x| *x *= key_fade);
        for _ in 0..ticks {
            self.now = self.now.plus(1);
            for voice in &mut self.onsets {
                voice[slot(self.now)] = 0;
            }
        }
    }

    /// Writes what the model is told, every number in 0 to about 3:
    /// 12 recent classes of the player, 12 of the machine, 12 shares of the key, the machine's classes at
    /// this tick a bar ago (12), ticks from there to its next onset (one of 13), and the classes that both
    /// played in the beat that began here four bars ago (12).
    pub fn features(&self, out: &mut [f32; FEATURES]) {
        out.fill(0.0);
        for voice in 0..2 {
            for class in 0..12 {
                out[voice * 12 + class] = 1.0 - (-self.recent[voice][class]).exp();
            }
        }
        let total = self.key.iter().sum::<f32>() + 1.0;
        for class in 0..12 {
            out[24 + class] = 4.0 * self.key[class] / total;
        }
        let bar = self.bars.length.clamp(LOOK as i64, MAX_SHIFT);
        let bar_ago = self.now.plus(-bar);
        set_bits(&mut out[36..48], self.onsets[1][slot(bar_ago)]);
        let until_next =
            (0..LOOK).find(|i| self.onsets[1][slot(bar_ago.plus(*i as i64))] != 0).unwrap_or(LOOK);
        out[48 + until_next] = 1.0;
        let four_bars_ago = self.now.plus(-4 * bar);
        let classes = (0..LOOK).fold(0, |set, i| {
            let at = slot(four_bars_ago.plus(i as i64));
            set | self.onsets[0][at] | self.onsets[1][at]
        });
        set_bits(&mut out[61..73], classes);
    }
}

const fn slot(tick: Tick) -> usize {
    tick.0.rem_euclid(MEMORY as i64) as usize
}

fn set_bits(out: &mut [f32], set: u16) {
    for (class, x) in out.iter_mut().enumerate() {
        *x = f32::from(set >> class & 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(context: &Context) -> [f32; FEATURES] {
        let mut out = [0.0; FEATURES];
        context.features(&mut out);
        out
    }

    #[test]
    fn a_bar_later_the_bar_ago_is_heard_again() {
        let mut ear = Context::new(Tick(0), Bars::default());
        ear.push(Token::Shift(3));
        ear.push(Token::Machine(Pitch::new(64)));
        ear.push(Token::Shift(45));
        assert!((features(&ear)[48 + 3] - 1.0).abs() < f32::EPSILON, "its onset is 3 ticks ahead");
        ear.push(Token::Shift(3));
        assert!((features(&ear)[36 + 4] - 1.0).abs() < f32::EPSILON, "E sounded at this tick");
        for _ in 0..3 {
            ear.push(Token::Shift(48));
        }
        assert!((features(&ear)[61 + 4] - 1.0).abs() < f32::EPSILON, "four bars ago too");
        ear.push(Token::Shift(48));
        assert!(features(&ear)[61 + 4] < f32::EPSILON, "five bars ago is forgotten");
    }

    #[test]
    fn features_stay_small() {
        let mut ear = Context::new(Tick(0), Bars::default());
        for i in 0..5_000_u32 {
            ear.push(Token::Player(Pitch::new((i % 88) as u8 + 21)));
            ear.push(Token::Machine(Pitch::new(60)));
        }
        assert!(features(&ear).iter().all(|x| (0.0..=4.0).contains(x)));
    }
}
