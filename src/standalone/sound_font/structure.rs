//! The structure of a SoundFont file: chunks that lie within each other, lists that point into each other.
//!
//! The reader believes what a file says of its sizes and places. So each size is held against what is there, and each list
//! of places against the list that it points into, before the reader takes memory for them. Places that rise are what the
//! format asks for; else a small file could name its zones again and again and fill all memory.

use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};

/// The largest file.
const MAX_FILE: u64 = 1 << 30;
/// The largest list of texts.
const MAX_INFO: u32 = 1 << 20;
/// The largest list of presets, instruments and zones.
const MAX_HYDRA: u32 = 1 << 26;

/// A list of records that says where each one's own part of another list begins.
struct Pointers {
    list: &'static [u8; 4],
    record: usize,
    /// Where in the record the place is, two bytes long.
    at: usize,
    /// The list that it points into, and the length of its records.
    into: &'static [u8; 4],
    into_record: usize,
}

const POINTERS: [Pointers; 4] = [
    Pointers { list: b"phdr", record: 38, at: 24, into: b"pbag", into_record: 4 },
    Pointers { list: b"pbag", record: 4, at: 0, into: b"pgen", into_record: 4 },
    Pointers { list: b"inst", record: 22, at: 20, into: b"ibag", into_record: 4 },
    Pointers { list: b"ibag", record: 4, at: 0, into: b"igen", into_record: 4 },
];

/// Says what is wrong with the structure of a file of `len` bytes, if anything.
pub(super) fn check(file: &mut (impl Read + Seek), len: u64) -> Result<(), String> {
    if len > MAX_FILE {
        return Err(format!("it has {} MB; {} are the most", len >> 20, MAX_FILE >> 20));
    }
    let (id, size) = chunk(file)?;
    let form = word(file)?;
    if &id != b"RIFF" || &form != b"sfbk" {
        return Err("it is no SoundFont 2 file".to_owned());
    }
    let mut left = u64::from(size).checked_sub(4).filter(|size| size + 12 <= len).ok_or(CUT)?;
    for kind in [b"INFO", b"sdta", b"pdta"] {
        let (id, size) = chunk(file)?;
        let inside = u64::from(size);
        if &id != b"LIST" || inside < 4 || inside + 8 > left {
            return Err(CUT.to_owned());
        }
        left -= inside + 8;
        if &word(file)? != kind {
            return Err(format!("its part {} is not where it should be", name(*kind)));
        }
        let inside = size - 4;
        match kind {
            b"INFO" if inside > MAX_INFO => return Err("its texts are too long".to_owned()),
            b"pdta" if inside > MAX_HYDRA => return Err("it has too many zones".to_owned()),
            b"pdta" => check_lists(file, inside)?,
            _ => skip_chunks(file, inside)?,
        }
    }
    Ok(())
}

/// What is said of sizes that do not fit.
const CUT: &str = "it is cut short or damaged";

fn word(file: &mut impl Read) -> Result<[u8; 4], String> {
    let mut word = [0; 4];
    file.read_exact(&mut word).map_err(|_| CUT.to_owned())?;
    Ok(word)
}

/// The head of a chunk: what it is, and how many bytes follow.
fn chunk(file: &mut impl Read) -> Result<([u8; 4], u32), String> {
    Ok((word(file)?, u32::from_le_bytes(word(file)?)))
}

fn name(id: [u8; 4]) -> String {
    id.escape_ascii().to_string()
}

/// The head of the next chunk of a list that has `left` bytes left, and what is left behind the chunk.
fn next_chunk(file: &mut impl Read, left: u32) -> Result<([u8; 4], u32, u32), String> {
    let (id, size) = chunk(file)?;
    let left = left.checked_sub(8).and_then(|left| left.checked_sub(size)).ok_or(CUT)?;
    Ok((id, size, left))
}

fn skip_chunks(file: &mut (impl Read + Seek), mut left: u32) -> Result<(), String> {
    while left > 0 {
        let (_, size, rest) = next_chunk(file, left)?;
        file.seek(SeekFrom::Current(i64::from(size))).map_err(|e| e.to_string())?;
        left = rest;
    }
    Ok(())
}

fn check_lists(file: &mut impl Read, mut left: u32) -> Result<(), String> {
    let mut lists: HashMap<[u8; 4], Vec<u8>> = HashMap::new();
    while left > 0 {
        let (id, size, rest) = next_chunk(file, left)?;
        let mut list = vec![0; size as usize];
        file.read_exact(&mut list).map_err(|_| CUT.to_owned())?;
        if lists.insert(id, list).is_some() {
            return Err(format!("it has two lists {}", name(id)));
        }
        left = rest;
    }
    let list = |id: &[u8; 4], record: usize| {
        let list = lists.get(id).ok_or_else(|| format!("it has no list {}", name(*id)))?;
        match list.len() {
            0 => Err(format!("its list {} is empty", name(*id))),
            len if len % record > 0 => Err(format!("its list {} is damaged", name(*id))),
            _ => Ok(list.as_slice()),
        }
    };
    for pointers in POINTERS {
        let from = list(pointers.list, pointers.record)?;
        // The last record of each list only ends it.
        let there = list(pointers.into, pointers.into_record)?.len() / pointers.into_record - 1;
        let mut before = 0;
        for record in from.chunks_exact(pointers.record) {
            let place = u16::from_le_bytes([record[pointers.at], record[pointers.at + 1]]);
            let place = usize::from(place);
            if place < before || place > there {
                return Err(format!("its list {} points nowhere", name(*pointers.list)));
            }
            before = place;
        }
    }
    list(b"shdr", 46).map(|_| ())
}
