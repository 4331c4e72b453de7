//! Notes keep one owner in every role, and change hands where they should.

use super::*;

fn note((onset, pitch, duration): (i64, u8, i64)) -> Note {
    let (onset, pitch, voice) = (Tick(onset), Pitch::new(pitch), Voice::Player);
    Note { onset, pitch, voice, velocity: 80, duration }
}

/// A tune of four-beat phrases with rests, over block chords on each beat.
fn piece() -> Piece {
    let mut melody = Vec::new();
    for bar in 0..24 {
        let steps = [(0, 72), (12, 74), (24, 76)];
        melody.extend(steps.map(|(at, key)| note((bar * 48 + at, key, 12))));
    }
    let chord = |beat: i64| [48, 52, 55].map(|key| note((beat * 12, key, 12)));
    let accompaniment = (0..96).flat_map(chord).collect();
    Piece { melody, accompaniment, ..Piece::default() }
}

fn all_roles() -> Vec<Role> {
    let shares = Shares::default();
    (0..100).flat_map(|i| (0..6).map(move |d| shares.role(f64::from(i) / 100.0, d))).collect()
}

/// Notes without their owner.
fn ownerless(notes: &[Note]) -> Vec<Note> {
    let mut notes: Vec<Note> = notes.iter().map(|n| Note { voice: Voice::Player, ..*n }).collect();
    into_order(&mut notes);
    notes
}

#[test]
fn every_note_has_one_owner_in_every_role() {
    let piece = piece();
    let whole = ownerless(&[piece.melody.clone(), piece.accompaniment.clone()].concat());
    let mut seen = std::collections::HashSet::new();
    for role in all_roles() {
        seen.insert(std::mem::discriminant(&role));
        let told = piece.notes(role, 0);
        let want = if role == (Role::Answer { alone: true }) { &piece.melody } else { &whole };
        assert_eq!(&ownerless(&told), want, "{role:?}");
        assert_eq!(told.len(), want.len(), "{role:?}");
        assert!(told.iter().any(|n| n.voice == Voice::Machine), "{role:?}");
        assert!(told.iter().any(|n| n.voice == Voice::Player), "{role:?}");
        assert!(told.is_sorted_by_key(Note::order));
        let up: Vec<u8> = piece.notes(role, 3).iter().map(|n| n.pitch.number()).collect();
        assert!(up.into_iter().eq(told.iter().map(|n| n.pitch.number() + 3)), "{role:?}");
        let late = piece.notes_from(Tick(480), role, 0);
        let expected = want.iter().filter(|n| n.onset >= Tick(480)).count();
        assert_eq!(late.len(), expected, "{role:?}");
    }
    assert_eq!(seen.len(), 5, "all roles come up");
}

#[test]
fn phrases_change_hands_where_the_melody_rests() {
    let piece = piece();
    let owner = |notes: &[Note], tick: i64| {
        let mut at = notes.iter().filter(|n| n.onset == Tick(tick)).map(|n| n.voice);
        let first = at.next();
        assert!(at.all(|v| Some(v) == first), "all of a tick is one's");
        first
    };
    let told = piece.notes(Role::Answer { alone: false }, 0);
    // Phrases are cut at the end of their last note, a beat before the bar line; a phrase is a bar at least.
    let player = Some(Voice::Player);
    let machine = Some(Voice::Machine);
    assert_eq!([owner(&told, 0), owner(&told, 24), owner(&told, 36)], [player, player, machine]);
    assert_eq!([owner(&told, 72), owner(&told, 84)], [machine, player]);
    let alone = piece.notes(Role::Answer { alone: true }, 0);
    assert_eq!([owner(&alone, 0), owner(&alone, 36), owner(&alone, 48)], [player, None, machine]);
    // Begun elsewhere, the player still begins.
    let late = piece.notes_from(Tick(48), Role::Answer { alone: false }, 0);
    assert_eq!([owner(&late, 48), owner(&late, 84)], [player, machine]);
}

#[test]
fn under_each_note_of_the_top_line_lies_the_machine() {
    let told = piece().notes(Role::Harmonise, 0);
    let top: Vec<_> = told.iter().filter(|n| n.voice == Voice::Player).collect();
    // Where the melody rests the top of the chord is the line.
    assert_eq!(top.len(), 96);
    assert_eq!(top.iter().filter(|n| n.pitch.number() == 55).count(), 24);
    let arpeggio: Vec<Note> = (0..40).map(|i| note((i * 3, 40 + (i % 4) as u8 * 3, 3))).collect();
    let thin =
        Piece { melody: vec![note((0, 80, 120))], accompaniment: arpeggio, ..Piece::default() };
    assert_eq!(thin.notes(Role::Harmonise, 0), thin.notes(Role::Accompany, 0));
}

#[test]
fn shares_are_written_as_they_are_meant() {
    let shares: Shares = "accompany=50, answer=50".parse().unwrap();
    assert_eq!(shares.named().map(|s| s.1), [50, 0, 0, 0, 50]);
    let answers = (0..100)
        .filter(|i| matches!(shares.role(f64::from(*i) / 100.0, 0), Role::Answer { alone: false }));
    assert_eq!(answers.count(), 50);
    for wrong in ["", "accompany", "accompany=x", "solo=1", "lead=0", "lead=-1", "lead=99999999999"]
    {
        assert!(wrong.parse::<Shares>().unwrap_err().contains("accompany=50"), "{wrong}");
    }
}

#[test]
fn a_piano_alone_is_parted_and_set_velocities_are_told_from_played_ones() {
    let keys = |velocity: &dyn Fn(u64) -> u8| Track {
        name: "keys".to_owned(),
        programs: Vec::new(),
        notes: (0..40)
            .flat_map(|i| [48, 72].map(|key| (i, key)))
            .map(|(i, key)| FileNote {
                onset: i * 10,
                duration: 10,
                key,
                velocity: velocity(i),
                channel: 0,
            })
            .collect(),
    };
    let file = |track: Track| MidiFile {
        ticks_per_quarter: 10,
        tracks: vec![track],
        tempos: Vec::new(),
        meters: Vec::new(),
        markers: Vec::new(),
    };
    let played = Piece::new("a".to_owned(), [1; 32], &file(keys(&|i| 60 + i as u8))).unwrap();
    assert_eq!((played.melody.len(), played.accompaniment.len(), played.flat), (40, 40, false));
    assert!(played.melody.iter().all(|n| n.pitch == Pitch::new(72)));
    let set = Piece::new("b".to_owned(), [1; 32], &file(keys(&|i| 60 + (i / 30) as u8))).unwrap();
    assert!(set.flat && set.melody.iter().all(|n| n.velocity == PLAIN_VELOCITY));
    let mut line = keys(&|_| 80);
    line.notes.retain(|n| n.key == 72);
    assert!(Piece::new("c".to_owned(), [1; 32], &file(line)).is_err());
}
