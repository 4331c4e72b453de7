//! The synth takes no memory once it is made. A binary of its own: the allocator is global.
#![cfg(feature = "standalone")]

#[path = "sound/font.rs"]
mod font;

use nice_assert_no_alloc::{AllocDisabler, assert_no_alloc};
use sideman::music::time::SampleRate;
use sideman::standalone::Part;
use sideman::standalone::sound_font::SoundFont;
use sideman::standalone::synth::{PartSound, Patch, Program, Sounds, Synth};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

/// Aborts the process on the first allocation.
#[test]
fn playing_takes_no_memory() {
    for hertz in [44_100.0, 96_000.0] {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), font::SineFont::default().bytes()).unwrap();
        let rate = SampleRate::new(hertz);
        let font = SoundFont::load(file.path(), rate).unwrap();
        let mut synth = Synth::with_font(rate, &font).unwrap();
        let program = Patch::Font(Program { bank: 0, number: 80 });
        let mut left = vec![0.0; 480];
        let mut right = vec![0.0; 480];
        let mut loudest = 0.0_f32;
        assert_no_alloc(|| {
            for round in 0..200_u8 {
                let part = if round % 2 == 0 { Part::Player } else { Part::Machine };
                for i in 0..20 {
                    synth.note_on(
                        part,
                        round.wrapping_mul(7).wrapping_add(i * 3) % 128,
                        1 + round / 2,
                    );
                }
                synth.sustain(part, round % 3 == 0);
                let nth = usize::from(round) % (Patch::BUILT_IN.len() + 1);
                let patch = *Patch::BUILT_IN.get(nth).unwrap_or(&program);
                let player = PartSound { patch, volume_db: -f32::from(round % 12) };
                synth.set_sounds(Sounds { player, ..Sounds::default() });
                synth.note_off(part, round % 128);
                let len = 1 + usize::from(round) * 2;
                synth.render(&mut left[..len], &mut right[..len]);
                loudest = left[..len].iter().fold(loudest, |l, s| l.max(s.abs()));
                if round % 50 == 49 {
                    synth.all_off();
                }
            }
        });
        assert!(loudest > 0.1, "only {loudest} was heard at {hertz} Hz");
    }
}
