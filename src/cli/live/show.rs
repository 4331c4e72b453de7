//! What a live session looks like in the terminal.

use std::fmt::Write as _;
use std::io::Stdout;
use std::sync::atomic::Ordering;

use anyhow::Context as _;

use crate::live::clock::Now;
use crate::standalone::action::Action;
use crate::standalone::roll::RollNote;
use crate::standalone::roll_terminal::{RollState, Screen};
use crate::standalone::session::Session;
use crate::standalone::stage::Desk;

/// Beats that the roll shows at most.
const SHOWN_BEATS: f64 = 64.0;

/// Shows where the music is.
pub(super) fn show(
    screen: &mut Screen<Stdout>,
    desk: &Desk,
    session: &Session,
    notice: &str,
) -> anyhow::Result<()> {
    let (notes, place) = seen(session, desk.now());
    let model = desk.models().status().name;
    let mut hint = "q ends".to_owned();
    for action in Action::ALL {
        let key = if action.key() == ' ' { "space".to_owned() } else { action.key().to_string() };
        let _ = write!(hint, ", {key} {}", action.name());
    }
    if !notice.is_empty() {
        let _ = write!(hint, "   {notice}");
    }
    screen
        .paint(&state(desk, place, &notes, &model, &hint))
        .context("the terminal can't be written to")
}

/// Gives the terminal back.
pub(super) fn close(screen: Screen<Stdout>, desk: &Desk, session: &Session) -> anyhow::Result<()> {
    let (notes, place) = seen(session, None);
    let model = desk.models().status().name;
    screen
        .close(&state(desk, place, &notes, &model, ""))
        .context("the terminal can't be written to")
}

/// What the roll shows, and where it is: moved so that bar lines fall on its own.
fn seen(session: &Session, now: Option<Now>) -> (Vec<RollNote>, f64) {
    let place = session.at(now);
    let early = session.bar_line();
    let mut notes = session.since(place - SHOWN_BEATS);
    for note in &mut notes {
        note.start_beats -= early;
    }
    (notes, place - early)
}

fn state<'a>(
    desk: &Desk,
    now_beats: f64,
    notes: &'a [RollNote],
    model: &'a str,
    hint: &'a str,
) -> RollState<'a> {
    let meter = desk.meter();
    RollState {
        notes,
        now_beats,
        tempo: desk.now().map_or(desk.settings().tempo, |now| now.tempo),
        meter: desk.time_signature(),
        mode: desk.settings().mode.name(),
        model,
        played: meter.notes.load(Ordering::Relaxed),
        late: meter.late_notes.load(Ordering::Relaxed) + meter.late_plans.load(Ordering::Relaxed),
        hint,
    }
}
