//! Pieces as sets of keys, one a time step, in a JSON file with a fixed split: what polyphonic models are compared on.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 64 << 20;

/// The keys of a time step, from low to high.
pub type Frame = Vec<u8>;

/// A piece: what sounds at each time step.
pub type Chorale = Vec<Frame>;

/// Pieces in three parts: to train on, to choose by, to measure on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Chorales {
    /// To train on.
    pub train: Vec<Chorale>,
    /// To choose the best model by.
    pub valid: Vec<Chorale>,
    /// To measure on, once.
    pub test: Vec<Chorale>,
}

/// Why a file holds no chorales.
#[derive(Debug, thiserror::Error)]
pub enum ChoraleError {
    /// The file can't be read.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is larger than any that is meant.
    #[error("{path}: {bytes} bytes, at most {MAX_BYTES} are read")]
    TooLarge {
        /// Which file.
        path: String,
        /// Its size.
        bytes: u64,
    },
    /// It is no JSON of that form.
    #[error(
        "{path}: {reason}; expected {{\"train\": [[[60, 64], ...], ...], \"valid\": ..., \"test\": ...}}"
    )]
    Form {
        /// Which file.
        path: String,
        /// What is wrong.
        reason: String,
    },
}

impl Chorales {
    /// Reads a file of lists of MIDI keys.
    ///
    /// # Errors
    /// What is wrong with it, see [`ChoraleError`].
    pub fn load(path: &Path) -> Result<Self, ChoraleError> {
        let name = || path.display().to_string();
        let io = |source| ChoraleError::Io { path: name(), source };
        let bytes = fs::metadata(path).map_err(io)?.len();
        if bytes > MAX_BYTES {
            return Err(ChoraleError::TooLarge { path: name(), bytes });
        }
        Self::parse(&fs::read(path).map_err(io)?)
            .map_err(|reason| ChoraleError::Form { path: name(), reason })
    }

    fn parse(json: &[u8]) -> Result<Self, String> {
        let mut parts: BTreeMap<String, Vec<Chorale>> =
            serde_json::from_slice(json).map_err(|e| e.to_string())?;
        let mut part = |name: &str| {
            let mut pieces = parts.remove(name).ok_or_else(|| format!("no '{name}'"))?;
            for frame in pieces.iter_mut().flatten() {
                if let Some(key) = frame.iter().find(|k| !(21..=108).contains(*k)) {
                    return Err(format!("key {key} is on no piano (21 to 108)"));
                }
                frame.sort_unstable();
                frame.dedup();
            }
            pieces.retain(|p| !p.is_empty());
            if pieces.is_empty() { Err(format!("no piece in '{name}'")) } else { Ok(pieces) }
        };
        Ok(Self { train: part("train")?, valid: part("valid")?, test: part("test")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_sets_from_low_to_high() {
        let json =
            br#"{"train": [[[64, 60, 64], []]], "valid": [[[70]], []], "test": [[[21, 108]]]}"#;
        let read = Chorales::parse(json).unwrap();
        assert_eq!(read.train, [[vec![60, 64], vec![]]]);
        assert_eq!(read.valid, [[vec![70]]]);
        assert_eq!(read.test, [[vec![21, 108]]]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (json, part) in [
            ("[]", "expected a map"),
            (r#"{"train": [[[60]]], "test": [[[60]]]}"#, "no 'valid'"),
            (r#"{"train": [], "valid": [[[60]]], "test": [[[60]]]}"#, "no piece in 'train'"),
            (r#"{"train": [[[20]]], "valid": [[[60]]], "test": [[[60]]]}"#, "key 20"),
            (r#"{"train": [[[300]]]}"#, "300"),
        ] {
            let reason = Chorales::parse(json.as_bytes()).unwrap_err();
            assert!(reason.contains(part), "{json}: {reason}");
        }
    }
}
