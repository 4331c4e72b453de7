//! What a live session looks like in the terminal.

use anyhow::Context as _;

use crate::cli::showing::{Showing, planned};
use crate::link::display::Now;
use crate::link::outlook::Plan;
use crate::standalone::conductor::TimeKeeper;
use crate::standalone::roll::RollNote;
use crate::standalone::screen::{Scene, Screen, TempoFrom};
use crate::standalone::session::Session;
use crate::standalone::stage::Desk;

/// Beats that the roll shows at most.
const SHOWN_BEATS: f64 = 96.0;
/// How far a tempo is from the one that is set before somebody else must have set it.
const OTHER_TEMPO: f64 = 0.05;

/// What is kept between two scenes.
#[derive(Default)]
pub(super) struct Show {
    showing: Showing,
    plan: Plan,
    notes: Vec<RollNote>,
}

impl Show {
    /// Shows where the music is, if it is time to.
    pub(super) fn paint(
        &mut self,
        screen: &mut Screen,
        desk: &Desk,
        session: &Session,
        notice: &str,
    ) -> anyhow::Result<()> {
        if !screen.is_due() {
            return Ok(());
        }
        screen.paint(&self.scene(desk, session, notice)).context("the terminal can't be written to")
    }

    /// Gives the terminal back.
    pub(super) fn close(
        mut self,
        screen: Screen,
        desk: &Desk,
        session: &Session,
    ) -> anyhow::Result<()> {
        screen.close(&self.scene(desk, session, "")).context("the terminal can't be written to")
    }

    fn scene<'a>(&'a mut self, desk: &'a Desk, session: &Session, notice: &'a str) -> Scene<'a> {
        let now = desk.now();
        let place = session.at(now);
        // Moved so that bar lines fall on the roll's own.
        let early = session.bar_line();
        self.notes = session.since(place - SHOWN_BEATS);
        if now.is_some() {
            // Where it can't be read, the last one is 30 ms old.
            desk.planned(&mut self.plan);
            let to_come = self.plan.iter().map(planned).filter(|n| n.end_beats() > place);
            self.notes.extend(to_come);
        }
        for note in &mut self.notes {
            note.start_beats -= early;
        }
        let settings = desk.settings();
        let gauges = (&**desk.models(), &**desk.meter());
        let scene = self.showing.scene(gauges, settings, &self.notes, notice);
        Scene {
            now_beats: place - early,
            running: now.is_some(),
            tempo: now.map_or(settings.tempo, |now| now.tempo),
            tempo_from: tempo_from(desk, now),
            meter: desk.time_signature(),
            clicks: desk.click() > 0.0,
            peaks: Some(desk.peaks()),
            ..scene
        }
    }
}

fn tempo_from(desk: &Desk, now: Option<Now>) -> TempoFrom {
    let settings = desk.settings();
    let set = settings.tempo.beats_per_minute();
    let other = |now: Now| (now.tempo.beats_per_minute() - set).abs() > OTHER_TEMPO;
    match desk.time() {
        TimeKeeper::MidiClock => TempoFrom::Clock,
        TimeKeeper::Player if settings.follow_tempo => TempoFrom::Followed,
        TimeKeeper::Player if now.is_some_and(other) => TempoFrom::Tapped,
        TimeKeeper::Player | TimeKeeper::Metronome { .. } => TempoFrom::Set,
    }
}
