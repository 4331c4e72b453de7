//! Every setting is read as it is written, and nonsense is refused by name.

use super::*;

#[test]
fn every_setting_reads_back_what_it_writes() {
    let mut other = Settings {
        mode: Mode::Answer,
        style: 3,
        active: false,
        temperature: 0.7,
        density: -0.5,
        key: PitchClass::new(6),
        scale: Scale::Dorian,
        seed: 77,
        input: Some(Channel::new(4)),
        thru: false,
        ..Settings::default()
    };
    let listed = list(&other);
    let mut read = Settings::default();
    for p in &listed {
        set(&mut read, &format!("{}={}", p.name, p.value)).unwrap();
    }
    assert_eq!(read, other);
    other.tempo = Tempo::new(93.5);
    set(&mut read, "tempo=93.5").unwrap();
    assert_eq!(read, other);
}

#[test]
fn mistakes_say_what_may_be_written() {
    let mut settings = Settings::default();
    for (wrong, hint) in [
        ("mode", "name=value"),
        ("volume=3", "sideman params"),
        ("temperature=3", "0.05..2"),
        ("temperature=NaN", "0.05..2"),
        ("register-low=C9", "A0..C8"),
        ("output-channel=0", "1..16"),
        ("scale=happy", "dorian"),
    ] {
        let message = set(&mut settings, wrong).unwrap_err().to_string();
        assert!(message.contains(hint), "{wrong}: {message}");
        assert!(!message.contains('\n'));
    }
    assert_eq!(settings, Settings::default());
}
