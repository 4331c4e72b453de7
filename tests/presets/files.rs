//! Preset files: ours are sound and unlike each other; no stranger's does harm.

use proptest::prelude::*;
use sideman::infer::builtin;
use sideman::link::settings::{Mode, Settings};
use sideman::preset::bank::{Bank, FACTORY};
use sideman::preset::file::{MAX_BYTES, Preset};

#[test]
fn every_preset_of_ours_is_there() {
    let bank = Bank::factory();
    assert_eq!(bank.problems, []);
    assert_eq!(bank.entries.len(), FACTORY.len());
    assert!(FACTORY.len() >= 14);
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("presets");
    let files = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let files = files.filter(|path| path.extension().is_some_and(|e| e == "toml")).count();
    assert_eq!(files, FACTORY.len(), "a file that is not in the bank");
}

#[test]
fn every_preset_of_ours_reads_back_as_it_was_written() {
    for (id, text) in FACTORY {
        let preset = Preset::from_bytes(text.as_bytes()).unwrap();
        let written = preset.to_toml().unwrap();
        assert_eq!(Preset::from_bytes(written.as_bytes()), Ok(preset.clone()), "{id}");
        assert_eq!(preset.settings, preset.settings.sane(), "{id}");
        assert!(preset.about.ends_with('.') && preset.author == "Sideman", "{id}");
        assert!(preset.model.as_deref().is_none_or(|model| model == builtin::NAME), "{id}");
    }
}

#[test]
fn every_preset_of_ours_differs_from_every_other_and_leaves_the_rig_alone() {
    let entries = Bank::factory().entries;
    for (i, a) in entries.iter().enumerate() {
        for b in &entries[..i] {
            let differing = a.preset.differences(&b.preset.settings).len();
            assert!(differing >= 3, "{} and {} differ in {differing} settings", a.id, b.id);
            assert_ne!(a.preset.about, b.preset.about);
        }
        // Which cable and which tempo is the musician's business, and so is what he does while he plays.
        let s = a.preset.settings;
        let rig = Settings::default();
        assert_eq!((s.input, s.output, s.thru), (rig.input, rig.output, rig.thru), "{}", a.id);
        assert_eq!((s.seed, s.tempo, s.active), (rig.seed, rig.tempo, rig.active), "{}", a.id);
        assert!(!s.freeze && !s.hold && !s.key_switches, "{}", a.id);
    }
    for mode in Mode::ALL {
        assert!(entries.iter().filter(|e| e.preset.settings.mode == mode).count() >= 2, "{mode:?}");
    }
}

fn error(text: &str) -> String {
    Preset::from_bytes(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn mistakes_are_told_in_one_line_with_what_to_do() {
    let with = |rest: &str| format!("format = 1\nname = 'A'\n{rest}");
    for (text, hint) in [
        (String::new(), "format = 1"),
        ("format = 'one'".to_owned(), "format = 1"),
        ("format = 2\nname = 'A'".to_owned(), "update Sideman"),
        ("format = -1\nname = 'A'".to_owned(), "0 to 1"),
        ("format = 1".to_owned(), "name"),
        ("format = 1\nname = ''".to_owned(), "1 to 60"),
        ("format = 1\nname = 7".to_owned(), "string"),
        ("format = 1\nname = \"a\\nb\"".to_owned(), "one line"),
        ("format = 1\nname = 'A'\nname = 'B'".to_owned(), "line 3"),
        (with("volume = 3"), "volume"),
        (with("model = '../../etc'"), "sideman models"),
        (with("settings = 3"), "settings"),
        (with("[settings]\nvolume = 3"), "sideman params"),
        (with("[settings]\n\"seed=3 #\" = 3"), "sideman params"),
        (with("[settings]\ntemperature = 3"), "0.05..2"),
        (with("[settings]\ntemperature = nan"), "0.05..2"),
        (with("[settings]\nseed = 99999999999"), "0..65535"),
        (with("[settings]\nmode = \"solo\\n\""), "harmonise"),
        (with("[settings]\nswing = [0.5]"), "one value"),
        (with("[settings]\nregister-low = 'C5'\nregister-high = 'C3'"), "swap"),
        (with("[settings]\nswing = "), "line 4"),
        (with(&format!("[settings]\nkey = '{}'", "x".repeat(9_000))), "C..B"),
        (with(&format!("[settings]\nswing = {}", "[".repeat(30_000))), "line 4"),
    ] {
        let message = error(&text);
        assert!(message.contains(hint), "{text:.60}: {message}");
        assert!(!message.contains(char::is_control) && message.len() < 400, "{message}");
    }
    assert!(Preset::from_bytes(&[0xff, 0xfe]).unwrap_err().to_string().contains("UTF-8"));
    let large = vec![b'#'; MAX_BYTES as usize + 1];
    assert!(Preset::from_bytes(&large).unwrap_err().to_string().contains("64 KiB"));
}

#[test]
fn a_failed_write_leaves_what_was_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("taken.toml");
    std::fs::create_dir(&path).unwrap();
    let preset = Bank::factory().entries[0].preset.clone();
    assert!(preset.save(&path).is_err());
    assert!(path.is_dir());
    assert!(Preset::load(&path).unwrap_err().to_string().contains("not a file"));
    let nameless = Preset { name: String::new(), ..preset };
    assert!(nameless.save(&dir.path().join("new.toml")).is_err());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
}

proptest! {
    #[test]
    fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let _ = Preset::from_bytes(&bytes);
    }

    #[test]
    fn no_damaged_preset_does_harm(
        which in 0..FACTORY.len(),
        damage in proptest::collection::vec((0.0..1.0, "[\\PC\\n\"'\\[\\]=.0-9]{0,4}", 0..9_usize), 1..6),
    ) {
        let mut text: Vec<char> = FACTORY[which].1.chars().collect();
        for (place, inserted, cut) in damage {
            let at = (place * text.len() as f64) as usize;
            let end = (at + cut).min(text.len());
            text.splice(at..end, inserted.chars());
        }
        let text: String = text.into_iter().collect();
        match Preset::from_bytes(text.as_bytes()) {
            // What could be read can be written, and is then the same.
            Ok(preset) => {
                prop_assert_eq!(preset.settings, preset.settings.sane());
                let written = preset.to_toml().unwrap();
                prop_assert_eq!(Preset::from_bytes(written.as_bytes()), Ok(preset));
            }
            Err(error) => prop_assert!(!error.to_string().contains('\n')),
        }
    }
}
