//! Stereo WAV files, written as the sound comes.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavSpec};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A stereo WAV file that is being written. Any thread but the audio thread.
pub struct WavWriter {
    path: PathBuf,
    file: hound::WavWriter<BufWriter<File>>,
    depth: Depth,
    /// The dither's. Its seed is fixed: the same sound gives the same file.
    rng: ChaCha8Rng,
    summary: WavSummary,
}

/// Bits of a sample.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Depth {
    /// 16 bits, dithered.
    Sixteen,
    /// 24 bits.
    #[default]
    TwentyFour,
}

/// What went into a finished file.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct WavSummary {
    /// Samples of each channel.
    pub frames: u64,
    /// The largest sample, 1 being full scale.
    pub peak: f32,
    /// Samples of either channel beyond full scale, or not a number.
    pub clipped: u64,
}

/// Why a WAV file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the WAV file {path}: {source}", path = path.display())]
pub struct WavError {
    path: PathBuf,
    source: hound::Error,
}

impl WavWriter {
    /// Begins the file; `rate` is in samples a second. A file that is there is replaced.
    ///
    /// # Errors
    /// [`WavError`] names the file and what the system said.
    pub fn create(path: &Path, rate: u32, depth: Depth) -> Result<Self, WavError> {
        let spec = WavSpec {
            channels: 2,
            sample_rate: rate,
            bits_per_sample: depth.bits(),
            sample_format: SampleFormat::Int,
        };
        let failed = |source| WavError { path: path.to_owned(), source };
        Ok(Self {
            path: path.to_owned(),
            file: hound::WavWriter::create(path, spec).map_err(failed)?,
            depth,
            rng: ChaCha8Rng::seed_from_u64(0),
            summary: WavSummary::default(),
        })
    }

    /// Adds samples, as far as the shorter channel goes; 1 is full scale. What is beyond is clipped, and
    /// what is not a number is silence.
    ///
    /// # Errors
    /// [`WavError`] when the disk refuses, or the file would pass the format's 4 GiB.
    pub fn write(&mut self, left: &[f32], right: &[f32]) -> Result<(), WavError> {
        for (&left, &right) in left.iter().zip(right) {
            for sample in [left, right] {
                let whole = self.quantize(sample);
                self.file.write_sample(whole).map_err(|source| self.failed(source))?;
            }
            self.summary.frames += 1;
        }
        Ok(())
    }

    /// Adds samples of 16 bits as they are, to a file of that depth.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn append(&mut self, frames: &[[i16; 2]]) -> Result<(), WavError> {
        for sample in frames.as_flattened() {
            let peak = f32::from(sample.saturating_abs()) / f32::from(i16::MAX);
            self.summary.peak = self.summary.peak.max(peak);
            self.file.write_sample(*sample).map_err(|source| self.failed(source))?;
        }
        self.summary.frames += frames.len() as u64;
        Ok(())
    }

    /// Completes the file's header. A file that is dropped instead may claim to be shorter than it is.
    ///
    /// # Errors
    /// [`WavError`] when the disk refuses.
    pub fn finish(self) -> Result<WavSummary, WavError> {
        let Self { path, file, summary, .. } = self;
        file.finalize().map_err(|source| WavError { path, source })?;
        Ok(summary)
    }

    fn quantize(&mut self, sample: f32) -> i32 {
        let scale = ((1_i32 << (self.depth.bits() - 1)) - 1) as f32;
        self.summary.peak = self.summary.peak.max(sample.abs());
        if sample.is_nan() || sample.abs() > 1.0 {
            self.summary.clipped += 1;
        }
        let dither = match self.depth {
            Depth::Sixteen => self.triangle(),
            Depth::TwentyFour => 0.0,
        };
        let scaled = if sample.is_nan() { 0.0 } else { sample.clamp(-1.0, 1.0) * scale };
        (scaled + dither).round().clamp(-scale, scale) as i32
    }

    /// Noise of triangular density between -1 and 1 steps: it turns distortion into an even hiss.
    fn triangle(&mut self) -> f32 {
        let bits = self.rng.next_u32();
        let unit = |half: u32| half as f32 / 65_536.0;
        unit(bits >> 16) - unit(bits & 0xffff)
    }

    fn failed(&self, source: hound::Error) -> WavError {
        WavError { path: self.path.clone(), source }
    }
}

impl Depth {
    /// 16 or 24.
    pub const fn bits(self) -> u16 {
        match self {
            Self::Sixteen => 16,
            Self::TwentyFour => 24,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a ramp with one sample out of range, and returns the file's bytes and its summary.
    fn write(depth: Depth) -> (Vec<i32>, WavSummary, Vec<u8>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.wav");
        let mut wav = WavWriter::create(&path, 44_100, depth).unwrap();
        let mut left: Vec<f32> = (0..1_000).map(|i| i as f32 / 1_000.0).collect();
        left.extend([1.5, f32::NAN]);
        wav.write(&left, &vec![-0.25; left.len()]).unwrap();
        let summary = wav.finish().unwrap();
        let mut reader = hound::WavReader::open(&path).unwrap();
        assert_eq!((reader.spec().channels, reader.spec().sample_rate), (2, 44_100));
        let samples = reader.samples::<i32>().map(Result::unwrap).collect();
        (samples, summary, std::fs::read(&path).unwrap())
    }

    #[test]
    fn samples_survive_to_the_last_bits() {
        for (depth, slack) in [(Depth::Sixteen, 1.5), (Depth::TwentyFour, 1.1)] {
            let full = ((1_i64 << (depth.bits() - 1)) - 1) as f64;
            let (samples, summary, _) = write(depth);
            assert_eq!(samples.len(), 2 * 1_002);
            for (i, frame) in samples.chunks(2).take(1_000).enumerate() {
                assert!((f64::from(frame[0]) - i as f64 / 1_000.0 * full).abs() <= slack, "{i}");
                assert!((f64::from(frame[1]) + 0.25 * full).abs() <= slack, "{i}");
            }
            assert_eq!((summary.frames, summary.clipped), (1_002, 2));
        }
    }

    #[test]
    fn the_same_sound_gives_the_same_file() {
        assert_eq!(write(Depth::Sixteen).2, write(Depth::Sixteen).2);
    }

    #[test]
    fn sixteen_bits_are_dithered() {
        let (samples, ..) = write(Depth::Sixteen);
        let mut right: Vec<i32> = samples.chunks(2).map(|frame| frame[1]).collect();
        right.sort_unstable();
        right.dedup();
        assert!((2..=4).contains(&right.len()), "{right:?}");
    }

    #[test]
    fn a_bad_path_is_named() {
        let error = WavWriter::create(Path::new("/no/such/folder/a.wav"), 48_000, Depth::Sixteen);
        let text = error.err().unwrap().to_string();
        assert!(text.starts_with("cannot write the WAV file /no/such/folder/a.wav: "), "{text}");
    }
}
