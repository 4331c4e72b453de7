//! Tunes as text that a person can write: the notation of `presets/phrase.txt`, which explains it.

use std::str::FromStr;

use crate::music::pitch::Pitch;
use crate::music::time::{Meter, TICKS_PER_BEAT, Tempo};

/// A tune.
#[derive(Clone, PartialEq, Debug)]
pub struct Phrase {
    /// Its name; may be empty.
    pub title: String,
    /// Its tempo.
    pub tempo: Tempo,
    /// Its time signature.
    pub meter: Meter,
    /// How many bars it has.
    pub bars: u32,
    /// Its notes in order of their beginnings.
    pub notes: Vec<PhraseNote>,
}

/// One note, placed as it is played rather than as it is written.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PhraseNote {
    /// When it begins, in quarter notes since the first bar line, never before it.
    pub start_beats: f64,
    /// How many quarter notes it sounds.
    pub len_beats: f64,
    /// What sounds.
    pub pitch: Pitch,
    /// 1 to 127.
    pub velocity: u8,
}

/// A line that is not in the notation.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct PhraseError {
    /// Counted from 1.
    line: usize,
    reason: String,
}

const DEFAULT_VELOCITY: f64 = 80.0;
/// How much of its written length a note sounds, in percent.
const DEFAULT_LENGTH: f64 = 92.0;
/// No line of the notation may take more quarter notes, and no tune more bars.
const MOST_BEATS: f64 = 1_000.0;
const MOST_BARS: u32 = 10_000;

impl Phrase {
    /// The tune that comes with Sideman: "Lantern Street", 16 bars in F.
    ///
    /// # Errors
    /// None, as long as the notation and the tune agree; a test holds them to it.
    pub fn lantern_street() -> Result<Self, PhraseError> {
        include_str!("../../presets/phrase.txt").parse()
    }

    /// Quarter notes from the first bar line to the last.
    pub fn len_beats(&self) -> f64 {
        f64::from(self.bars) * bar_beats(self.meter)
    }

    /// One line of the notation, without its comment.
    fn read_line(&mut self, line: &str) -> Result<(), String> {
        if let Some((number, notes)) = line.split_once('|') {
            return self.read_bar(number.trim(), notes);
        }
        let (word, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let value = value.trim();
        if self.bars > 0 {
            return Err(format!("'{word}' comes after the first bar"));
        }
        match word {
            "title" => value.clone_into(&mut self.title),
            "tempo" => self.tempo = Tempo::new(number(value, "a tempo", 10.0, 1_000.0)?),
            "meter" => self.meter = meter(value)?,
            _ => return Err(format!("'{word}' is not title, tempo, meter or a bar")),
        }
        Ok(())
    }

    fn read_bar(&mut self, bar: &str, notes: &str) -> Result<(), String> {
        let expected = self.bars + 1;
        if bar.parse() != Ok(expected) || expected > MOST_BARS {
            return Err(format!("bar '{bar}' where bar {expected} is due"));
        }
        let length = bar_beats(self.meter);
        let begin = f64::from(self.bars) * length;
        let mut place = 0.0;
        for text in notes.split_whitespace() {
            let stroke: Stroke = text.parse()?;
            let late = stroke.late_ms / 1_000.0 / self.tempo.seconds_per_beat();
            for pitch in stroke.pitches {
                self.notes.push(PhraseNote {
                    start_beats: (begin + place + late).max(0.0),
                    len_beats: stroke.beats * stroke.length,
                    pitch,
                    velocity: stroke.velocity,
                });
            }
            place += stroke.beats;
        }
        if (place - length).abs() > 1e-6 {
            return Err(format!("bar {bar} has {place} beats where the meter has {length}"));
        }
        self.bars = expected;
        Ok(())
    }
}

impl FromStr for Phrase {
    type Err = PhraseError;

    fn from_str(text: &str) -> Result<Self, PhraseError> {
        let mut phrase = Self {
            title: String::new(),
            tempo: Tempo::default(),
            meter: Meter::default(),
            bars: 0,
            notes: Vec::new(),
        };
        let mut last = 1;
        for (i, line) in text.lines().enumerate() {
            let line = line.trim();
            last = i + 1;
            if !line.is_empty() && !line.starts_with('#') {
                phrase.read_line(line).map_err(|reason| PhraseError { line: last, reason })?;
            }
        }
        if phrase.notes.is_empty() {
            return Err(PhraseError { line: last, reason: "the tune has no note".to_owned() });
        }
        phrase.notes.sort_by(|a, b| a.start_beats.total_cmp(&b.start_beats));
        Ok(phrase)
    }
}

/// Keys struck together, or a rest.
struct Stroke {
    /// None for a rest.
    pitches: Vec<Pitch>,
    /// Quarter notes as written.
    beats: f64,
    velocity: u8,
    /// Milliseconds after its place; negative is early.
    late_ms: f64,
    /// Part of `beats` that it sounds.
    length: f64,
}

impl FromStr for Stroke {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (keys, rest) = text.split_once(':').ok_or_else(|| format!("'{text}' has no ':'"))?;
        let (rest, length) = cut(rest, '%', DEFAULT_LENGTH, "a length in percent", 1.0, 400.0)?;
        let (rest, late_ms) = cut(rest, '~', 0.0, "a delay in milliseconds", -500.0, 500.0)?;
        let (rest, velocity) = cut(rest, '@', DEFAULT_VELOCITY, "a velocity", 1.0, 127.0)?;
        let beats = number(rest, "a length in beats", 1.0 / 64.0, MOST_BEATS)?;
        let pitches = if keys == "-" {
            Vec::new()
        } else {
            keys.split('+')
                .map(|k| k.parse::<Pitch>().map_err(|e| e.to_string()))
                .collect::<Result<_, _>>()?
        };
        Ok(Self {
            pitches,
            beats,
            velocity: velocity.round() as u8,
            late_ms,
            length: length / 100.0,
        })
    }
}

/// Cuts `MARK number` off the end of `text`.
fn cut<'a>(
    text: &'a str,
    mark: char,
    default: f64,
    what: &str,
    least: f64,
    most: f64,
) -> Result<(&'a str, f64), String> {
    match text.rsplit_once(mark) {
        Some((before, value)) => Ok((before, number(value, what, least, most)?)),
        None => Ok((text, default)),
    }
}

fn number(text: &str, what: &str, least: f64, most: f64) -> Result<f64, String> {
    let value: Option<f64> = text.parse().ok().filter(|v| (least..=most).contains(v));
    value.ok_or_else(|| format!("'{text}' is not {what} ({least} to {most})"))
}

fn meter(text: &str) -> Result<Meter, String> {
    let parse = || {
        let (numerator, denominator) = text.split_once('/')?;
        let (numerator, denominator) = (numerator.parse().ok()?, denominator.parse().ok()?);
        let usable = (1..=32).contains(&numerator) && [1, 2, 4, 8, 16].contains(&denominator);
        usable.then_some(Meter { numerator, denominator })
    };
    parse().ok_or_else(|| format!("'{text}' is not a meter: write 4/4, 3/4 or 6/8"))
}

/// Quarter notes in a bar.
fn bar_beats(meter: Meter) -> f64 {
    meter.bar_ticks() as f64 / TICKS_PER_BEAT as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_becomes_notes() {
        let phrase: Phrase =
            "tempo 60\nmeter 3/4\n1 | C4+E4:1@70~500%50 -:1 Bb3:1".parse().unwrap();
        let note = |start_beats, len_beats, number, velocity| PhraseNote {
            start_beats,
            len_beats,
            pitch: Pitch::new(number),
            velocity,
        };
        let expected = [note(0.5, 0.5, 60, 70), note(0.5, 0.5, 64, 70), note(2.0, 0.92, 58, 80)];
        assert_eq!(phrase.notes, expected);
        assert_eq!((phrase.bars, phrase.len_beats()), (1, 3.0));
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line() {
        fn check(text: &str, expected: &str) {
            assert_eq!(text.parse::<Phrase>().unwrap_err().to_string(), expected);
        }
        check("", "line 1: the tune has no note");
        check("# only words\n", "line 1: the tune has no note");
        check("1 | H5:4", "line 1: 'H5' is not a note name: write C4, F#3 or Bb5");
        check("\n1 | C5", "line 2: 'C5' has no ':'");
        check("1 | C5:3", "line 1: bar 1 has 3 beats where the meter has 4");
        check("2 | C5:4", "line 1: bar '2' where bar 1 is due");
        check("1 | C5:4@200", "line 1: '200' is not a velocity (1 to 127)");
        check("1 | C5:nan", "line 1: 'nan' is not a length in beats (0.015625 to 1000)");
        check("meter 4/5", "line 1: '4/5' is not a meter: write 4/4, 3/4 or 6/8");
        check("tempo fast", "line 1: 'fast' is not a tempo (10 to 1000)");
        check("1 | C5:4\ntempo 90", "line 2: 'tempo' comes after the first bar");
        check("C5 D5", "line 1: 'C5' is not title, tempo, meter or a bar");
    }

    #[test]
    fn the_tune_is_sixteen_bars_in_f_with_room_to_answer() {
        let phrase = Phrase::lantern_street().unwrap();
        assert_eq!((phrase.title.as_str(), phrase.bars), ("Lantern Street", 16));
        let end = |n: &PhraseNote| n.start_beats + n.len_beats;
        assert!(phrase.notes.iter().all(|n| end(n) <= phrase.len_beats()));
        // One hand: nothing sounds on its own key twice at once.
        for (i, note) in phrase.notes.iter().enumerate() {
            let next = phrase.notes[i + 1..].iter().find(|n| n.pitch == note.pitch);
            assert!(next.is_none_or(|n| n.start_beats >= end(note)), "{note:?}");
        }
        let rests = phrase.notes.windows(2).filter(|w| w[1].start_beats - end(&w[0]) > 0.9).count();
        assert!(rests >= 4, "{rests} rests between phrases");
        let f_major = crate::music::scale::Scale::Major.on("F".parse().unwrap());
        let outside = phrase.notes.iter().filter(|n| !f_major.holds(n.pitch)).count();
        assert_eq!(outside, 2, "C# over A7 and Db over B flat minor");
    }
}
