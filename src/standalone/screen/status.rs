//! The lines above and below the roll: modes, place, tempo, key, model; levels, latency and what the keys do.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::link::settings::{Mode, Settings};
use crate::music::key::Key;
use crate::music::scale::Scale;
use crate::standalone::action::Action;

use super::Look;
use super::palette::Palette;
use super::pen::{Pen, width};
use super::scene::Scene;
use super::ui::Ui;

/// The most beats of a bar that are shown one by one.
const MOST_DOTS: i64 = 8;
/// Columns of the level meter, and the level at its left end.
const LEVEL_COLUMNS: u16 = 12;
const LEAST_DECIBELS: f32 = -48.0;
/// From here on the sound is nearly too loud.
const LOUD_DECIBELS: f32 = -3.0;

/// The lines above: modes, and where the music is.
pub(super) fn head(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>, palette: &Palette) {
    buffer.set_style(area, palette.panel);
    let [first, second] = lines(area);
    let mut pen = Pen::on(buffer, first);
    let tabs = |pad: &str| {
        let tab = |mode: Mode| format!("{pad}{}{pad}", mode.name());
        Mode::ALL.map(|mode| {
            (tab(mode), if mode == scene.settings.mode { palette.lit } else { palette.faint })
        })
    };
    if pen.room() >= 60 {
        pen.put(&[(" SIDEMAN  ", palette.strong)]);
    }
    let switched = switches(scene, palette);
    let switched_above = (pen.room() >= 56 || area.height == 1) && pen.put_right(&switched);
    let (wide, narrow) = (tabs(" "), tabs(""));
    if pen.room() >= 43 {
        for (name, style) in &wide {
            pen.put(&[(name, *style)]);
        }
    } else if pen.room() >= 37 {
        for (name, style) in &narrow {
            pen.put(&[(name, *style)]);
            pen.skip(1);
        }
    } else {
        pen.put(&[(scene.settings.mode.name(), palette.lit)]);
    }
    let mut pen = Pen::on(buffer, second);
    if !switched_above {
        pen.put_right(&switched);
    }
    place(&mut pen, scene, palette);
}

/// What is switched: the metronome, what holds the machine up, and whether it plays at all.
fn switches<'a>(scene: &Scene<'_>, palette: &Palette) -> Vec<(&'a str, Style)> {
    let mut switches = Vec::new();
    let settings = scene.settings;
    let held =
        [(" freeze ", settings.freeze), (" hold ", settings.hold), (" click ", scene.clicks)];
    for (name, on) in held {
        if on {
            switches.extend([(name, palette.lit), (" ", palette.text)]);
        }
    }
    switches.push(if settings.active {
        ("● on ", palette.machine)
    } else {
        ("○ off ", palette.alarm)
    });
    switches
}

/// Bar and beat, tempo, key, style, model: the later, the sooner left out.
fn place(pen: &mut Pen<'_>, scene: &Scene<'_>, palette: &Palette) {
    if scene.running {
        let place = format!(" {:>3}.{} ", scene.bar().saturating_add(1), scene.beat() + 1);
        pen.put(&[(&place, palette.strong)]);
        let beats = (scene.bar_beats() / scene.unit_beats()).round() as i64;
        if (2..=MOST_DOTS).contains(&beats) {
            let dot = |nth| {
                if nth == scene.beat() { ("●", palette.strong) } else { ("·", palette.faint) }
            };
            pen.put(&(0..beats).map(dot).collect::<Vec<_>>());
        }
    } else {
        pen.put(&[(" ready ", palette.strong)]);
    }
    let tempo = format!("   {:.0} bpm ", scene.tempo.beats_per_minute());
    let tempo_from = scene.tempo_from.name();
    let with_source = [(&tempo[..], palette.text), (tempo_from, palette.faint)];
    if !pen.put(&with_source) {
        pen.put(&[(&tempo, palette.text)]);
    }
    let (key, of) = key(scene.settings, scene.key);
    pen.put(&[("   key ", palette.faint), (&key, palette.text), (of, palette.faint)]);
    if !scene.style.is_empty() {
        pen.put(&[("   style ", palette.faint), (scene.style, palette.text)]);
    }
    pen.put(&[
        ("   ", palette.text),
        (scene.model, palette.text),
        (" on ", palette.faint),
        (scene.device, palette.faint),
    ]);
}

/// The key that is kept to, and whence it comes; where none is, the one that is heard.
fn key(settings: &Settings, heard: Option<Key>) -> (String, &'static str) {
    let named = |key: Key| format!("{} {}", key.tonic, key.scale.name());
    match heard {
        Some(heard) if settings.follow_key || settings.scale == Scale::Chromatic => {
            (named(heard), " heard")
        }
        None if settings.follow_key => ("-".to_owned(), " listening"),
        _ if settings.scale == Scale::Chromatic => ("any".to_owned(), ""),
        _ => (format!("{} {}", settings.key, settings.scale.name()), " set"),
    }
}

/// The lines below: how the engine is doing, and what the keys do.
pub(super) fn foot(
    buffer: &mut Buffer,
    area: Rect,
    (scene, ui): (&Scene<'_>, &Ui),
    look: Look,
    palette: &Palette,
) {
    buffer.set_style(area, palette.panel);
    let [first, second] = lines(area);
    let keys_line = if area.height > 1 {
        meters(buffer, first, (scene, ui), look, palette);
        second
    } else {
        first
    };
    let mut pen = Pen::on(buffer, keys_line);
    let always = [key_of("?", "help", palette), key_of("q", "quit", palette)].concat();
    pen.put_right(&always);
    pen.skip(1);
    if let Some(notice) = ui.notice() {
        pen.squeeze(&[(notice, palette.text)]);
        return;
    }
    let panic = |action: &&Action| **action == Action::Panic;
    let mut keys: Vec<(String, &str)> = Vec::new();
    keys.extend(scene.actions.iter().filter(panic).map(|a| (key_name(*a), a.name())));
    keys.push(("Tab".to_owned(), "settings"));
    keys.extend(scene.actions.iter().filter(|a| !panic(a)).map(|a| (key_name(*a), a.name())));
    for (key, name) in &keys {
        pen.put(&key_of(key, name, palette));
    }
}

/// How a key is written that a hint names.
pub(super) fn key_name(action: Action) -> String {
    if action.key() == ' ' { "space".to_owned() } else { action.key().to_string() }
}

fn key_of<'a>(key: &'a str, name: &'a str, palette: &Palette) -> Vec<(&'a str, Style)> {
    let gap = palette.text;
    vec![(key, palette.strong), (" ", gap), (name, palette.faint), ("  ", gap)]
}

/// Who is who, what was late, how fast it answers, how loud it is.
fn meters(
    buffer: &mut Buffer,
    area: Rect,
    (scene, ui): (&Scene<'_>, &Ui),
    look: Look,
    palette: &Palette,
) {
    let mut pen = Pen::on(buffer, area);
    pen.skip(1);
    let [you, machine, _] = legend(look);
    let played = format!(" {}", scene.played);
    pen.put(&[(you, palette.player), ("   ", palette.text)]);
    pen.put(&[(machine, palette.machine), (&played, palette.text)]);
    let late = format!("   late {}", scene.late);
    pen.put(&[(&late, if scene.late > 0 { palette.alarm } else { palette.faint })]);
    if let Some([usual, slow]) = scene.reaction {
        let (usual, slow) = (millis(usual), millis(slow));
        let label = ("   reaction ", palette.faint);
        let short = [label, (&usual[..], palette.text), (" ms", palette.faint)];
        let long = [&short[..], &[(", p99 ", palette.faint), (&slow[..], palette.text)]].concat();
        if !pen.put(&long) {
            pen.put(&short);
        }
    }
    let Some(levels) = ui.levels() else { return };
    let label = [("   level ", palette.faint)];
    if usize::from(pen.room()) < width(&label) + usize::from(LEVEL_COLUMNS) {
        return;
    }
    pen.put(&label);
    if look == Look::Plain {
        let loudest = levels[0].max(levels[1]);
        let text =
            if loudest <= LEAST_DECIBELS { "-".to_owned() } else { format!("{loudest:.0} dB") };
        pen.put(&[(&text, palette.text)]);
        return;
    }
    // The upper half is the left side, the lower the right.
    let off = palette.roll.past.bar[0];
    for column in 0..LEVEL_COLUMNS {
        let from = LEAST_DECIBELS * (1.0 - f32::from(column) / f32::from(LEVEL_COLUMNS));
        let colour = |level: f32| match level > from {
            true if from >= LOUD_DECIBELS - 1.0 => palette.alarm.fg.unwrap_or(off),
            true => palette.machine.fg.unwrap_or(off),
            false => off,
        };
        pen.put(&[("▀", Style::new().fg(colour(levels[0])).bg(colour(levels[1])))]);
    }
}

/// Who is who on the roll, and what is only planned.
pub(super) const fn legend(look: Look) -> [&'static str; 3] {
    match look {
        Look::Plain => ["◆━ you", "○─ sideman", "◦· planned"],
        _ => ["■ you", "■ sideman", "pale: planned"],
    }
}

/// Milliseconds, with what digits tell something.
fn millis(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1e3;
    match millis {
        0.0..0.95 => format!("{millis:.2}"),
        0.95..9.5 => format!("{millis:.1}"),
        _ => format!("{millis:.0}"),
    }
}

/// Decibels of a peak, not below the meter's left end.
pub(super) fn decibels(peak: f32) -> f32 {
    (20.0 * peak.max(1e-6).log10()).max(LEAST_DECIBELS)
}

fn lines(area: Rect) -> [Rect; 2] {
    let second = area.height.saturating_sub(1).min(1);
    [
        Rect { height: area.height.min(1), ..area },
        Rect { y: area.y + second, height: second, ..area },
    ]
}
