//! Sideman on a sound card: the act runs in the card's own callback.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use cpal::traits::{DeviceTrait as _, HostTrait as _, StreamTrait as _};
use cpal::{BufferSize, Device, ErrorKind, StreamConfig, SupportedBufferSize};

use crate::music::time::SampleRate;
use crate::standalone::act::OnLoan;

/// A sound card that was chosen, not yet playing.
pub struct Card {
    device: Device,
    config: StreamConfig,
    name: String,
}

/// A card that plays. Dropping it ends the sound.
pub struct CardFace {
    _stream: cpal::Stream,
    lost: Arc<AtomicBool>,
}

/// The names of the sound cards.
pub fn cards() -> Vec<String> {
    let _quiet = quiet();
    let devices = cpal::default_host().output_devices();
    devices.map(|all| all.map(|d| d.to_string()).collect()).unwrap_or_default()
}

impl Card {
    /// The card whose name holds these words, or the system's own choice; with a buffer of so many samples where one is
    /// asked for and the card can.
    ///
    /// # Errors
    /// A line on why there is none.
    pub fn choose(words: Option<&str>, buffer: Option<u32>) -> Result<Self, String> {
        let _quiet = quiet();
        let host = cpal::default_host();
        let device = match words {
            None => {
                host.default_output_device().ok_or_else(|| "there is no sound card".to_owned())?
            }
            Some(words) => {
                let fits =
                    |d: &Device| d.to_string().to_lowercase().contains(&words.to_lowercase());
                let mut all = host.output_devices().map_err(|e| e.to_string())?;
                all.find(fits).ok_or_else(|| {
                    format!("no sound card is called '{words}'; `sideman ports` lists them")
                })?
            }
        };
        let name = device.to_string();
        let wanted = device.default_output_config().map_err(|e| format!("{name}: {e}"))?;
        let mut config = wanted.config();
        if let Some(frames) = buffer {
            let SupportedBufferSize::Range { min, max } = *wanted.buffer_size() else {
                return Err(format!("{name}: its buffer can't be chosen; leave --buffer out"));
            };
            if !(min..=max).contains(&frames) {
                return Err(format!("{name}: --buffer can be {min} to {max} samples"));
            }
            config.buffer_size = BufferSize::Fixed(frames);
        }
        Ok(Self { device, config, name })
    }

    /// Samples a second.
    pub fn rate(&self) -> SampleRate {
        SampleRate::new(f64::from(self.config.sample_rate))
    }

    /// What the system calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Starts playing. The act comes back when the face is dropped, and at once where the card refuses.
    ///
    /// # Errors
    /// A line on what the card refused.
    pub fn play(self, mut act: OnLoan) -> Result<CardFace, String> {
        let _quiet = quiet();
        let Self { device, config, name } = self;
        let channels = usize::from(config.channels.max(1));
        let lost = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&lost);
        let refused = |e: cpal::Error| format!("{name}: {e}");
        let stream = device
            .build_output_stream::<f32, _, _>(
                config,
                // The audio callback: no allocation or lock; the clock is read, which takes no system call where it
                // matters (vDSO).
                move |samples, _| {
                    let Some(act) = act.act() else { return };
                    let frames = samples.len() / channels;
                    act.play(Instant::now(), frames, |done, left, right| {
                        let piece = &mut samples[done * channels..(done + left.len()) * channels];
                        fill(piece, channels, left, right);
                    });
                },
                move |error| {
                    let goes_on = matches!(
                        error.kind(),
                        ErrorKind::DeviceChanged | ErrorKind::Xrun | ErrorKind::RealtimeDenied
                    );
                    if !goes_on {
                        seen.store(true, Ordering::Release);
                    }
                },
                None,
            )
            .map_err(refused)?;
        stream.play().map_err(refused)?;
        Ok(CardFace { _stream: stream, lost })
    }
}

impl CardFace {
    /// Whether the card is gone.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }
}

/// Two sides onto as many channels as there are: one gets both, and those past the second are silent.
fn fill(samples: &mut [f32], channels: usize, left: &[f32], right: &[f32]) {
    for ((frame, left), right) in samples.chunks_mut(channels).zip(left).zip(right) {
        match frame {
            [mono] => *mono = 0.5 * (left + right),
            [a, b, rest @ ..] => {
                (*a, *b) = (*left, *right);
                rest.fill(0.0);
            }
            [] => {}
        }
    }
}

/// While it is held ALSA says nothing: it explains a missing card in eight lines on the terminal; ours is one.
#[cfg(target_os = "linux")]
pub(super) fn quiet() -> impl Sized {
    alsa::Output::local_error_handler()
}

/// Other systems don't write to the terminal.
#[cfg(not(target_os = "linux"))]
pub(super) fn quiet() -> impl Sized {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sides_fill_any_number_of_channels() {
        let (left, right) = ([0.5, 1.0], [0.25, 0.0]);
        for (channels, want) in [
            (1, vec![0.375, 0.5]),
            (2, vec![0.5, 0.25, 1.0, 0.0]),
            (3, vec![0.5, 0.25, 0.0, 1.0, 0.0, 0.0]),
        ] {
            let mut samples = vec![9.0; 2 * channels];
            fill(&mut samples, channels, &left, &right);
            assert_eq!(samples, want);
        }
    }
}
