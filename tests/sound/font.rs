//! Small SoundFonts, byte by byte: a looped sine, one instrument, two programs.

/// What the recording is like.
#[derive(Clone, Copy)]
pub(crate) struct SineFont {
    /// Samples of a turn.
    pub(crate) period: usize,
    /// Turns that are looped.
    pub(crate) turns: usize,
    /// The key at which it is played as it was recorded.
    pub(crate) root: u8,
}

/// Samples a second of the recording: 100 a turn are an A.
const RATE: u32 = 44_000;
/// Turns before the loop.
const LEAD_IN: usize = 10;

impl Default for SineFont {
    fn default() -> Self {
        Self { period: 100, turns: 20, root: 69 }
    }
}

fn chunk(id: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = id.as_bytes().to_vec();
    bytes.extend((body.len() as u32).to_le_bytes());
    bytes.extend(body);
    bytes
}

fn list(kind: &str, chunks: &[Vec<u8>]) -> Vec<u8> {
    chunk("LIST", &[kind.as_bytes(), &chunks.concat()].concat())
}

/// Two-byte numbers.
fn words(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn named(name: &str, rest: &[u16]) -> Vec<u8> {
    let mut bytes = name.as_bytes().to_vec();
    bytes.resize(20, 0);
    bytes.extend(words(rest));
    bytes
}

impl SineFont {
    /// The file.
    pub(crate) fn bytes(self) -> Vec<u8> {
        let from = LEAD_IN * self.period;
        let to = from + self.turns * self.period;
        let turn = |n: usize| n as f64 / self.period as f64 * std::f64::consts::TAU;
        let mut samples: Vec<u8> =
            (0..to + 8).flat_map(|n| ((turn(n).sin() * 16_000.0) as i16).to_le_bytes()).collect();
        samples.resize(samples.len() + 92, 0);
        let mut header = named("Sine", &[]);
        for place in [0, to as u32 + 4, from as u32, to as u32, RATE] {
            header.extend(place.to_le_bytes());
        }
        header.extend([self.root, 0]);
        header.extend(words(&[0, 1]));
        let presets = [
            named("Soft sine", &[0, 0, 0, 0, 0, 0, 0, 0, 0]),
            named("Sine lead", &[80, 0, 1, 0, 0, 0, 0, 0, 0]),
            named("EOP", &[0, 0, 2, 0, 0, 0, 0, 0, 0]),
        ];
        // Loop it; let it ring for half a second; this recording.
        let looped = [54, 1, 38, (-1_200_i16).cast_unsigned(), 53, 0, 0, 0];
        let hydra = [
            chunk("phdr", &presets.concat()),
            chunk("pbag", &words(&[0, 0, 1, 0, 2, 0])),
            chunk("pmod", &[0; 10]),
            chunk("pgen", &words(&[41, 0, 41, 0, 0, 0])),
            chunk("inst", &[named("Sine", &[0]), named("EOI", &[1])].concat()),
            chunk("ibag", &words(&[0, 0, 3, 0])),
            chunk("imod", &[0; 10]),
            chunk("igen", &words(&looped)),
            chunk("shdr", &[header, vec![0; 46]].concat()),
        ];
        let info = [chunk("ifil", &words(&[2, 1])), chunk("INAM", b"Sines\0")];
        let body =
            [list("INFO", &info), list("sdta", &[chunk("smpl", &samples)]), list("pdta", &hydra)];
        chunk("RIFF", &[b"sfbk".as_slice(), &body.concat()].concat())
    }
}
