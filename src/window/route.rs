//! How MIDI reaches Sideman and an instrument in each host: as boxes, as a picture of them, and in words.

use egui::{Align2, Painter, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use crate::window::palette::{CORNER, Palette, SMALL, TEXT, font};

/// A host, and the way of the notes through it.
pub(super) struct Route {
    /// The host.
    pub(super) host: &'static str,
    /// Words by which its own name is known, in small letters.
    known_by: &'static [&'static str],
    /// The boxes from left to right: what it is, and where it stands.
    boxes: &'static [(&'static str, &'static str)],
    /// What is written on the arrow between the last two, where it must be set.
    set: &'static str,
    /// What to do, step by step.
    pub(super) steps: &'static [&'static str],
}

const KEYS: (&str, &str) = ("Your keys", "MIDI in");

/// Every host that a route is known for, and Logic, where there is none.
pub(super) const ROUTES: [Route; 8] = [
    Route {
        host: "Ableton Live",
        known_by: &["live", "ableton"],
        boxes: &[KEYS, ("Sideman", "its own MIDI track"), ("Instrument", "another MIDI track")],
        set: "MIDI From",
        steps: &[
            "Put the VST3 on a MIDI track of its own: Live lists it as an instrument.",
            "On the instrument's track choose MIDI From that track, and below it Sideman.",
            "Set the instrument's track to Monitor In; arm it to record what Sideman plays.",
            "Arm Sideman's track, so that your keys reach it.",
        ],
    },
    Route {
        host: "Bitwig Studio",
        known_by: &["bitwig"],
        boxes: &[KEYS, ("Sideman", "first in the chain"), ("Instrument", "the same track")],
        set: "",
        steps: &[
            "Insert Sideman (CLAP) before the instrument on the same track.",
            "Arm the track or set it to monitor, so that your keys reach it.",
        ],
    },
    Route {
        host: "REAPER",
        known_by: &["reaper"],
        boxes: &[KEYS, ("Sideman", "first in the FX chain"), ("Instrument", "the same track")],
        set: "",
        steps: &[
            "Insert Sideman before the instrument on the same track.",
            "Arm the track for recording, choose the keyboard as its MIDI input, and switch monitoring on.",
        ],
    },
    Route {
        host: "Cubase",
        known_by: &["cubase", "nuendo"],
        boxes: &[KEYS, ("Sideman", "an instrument track"), ("Instrument", "another track")],
        set: "MIDI input",
        steps: &[
            "Load Sideman (VST3) as an instrument.",
            "Choose Sideman's MIDI output as the input of the instrument's track, and switch its monitor on.",
        ],
    },
    Route {
        host: "FL Studio",
        known_by: &["fl studio", "fruity"],
        boxes: &[KEYS, ("Sideman", "MIDI output port N"), ("Instrument", "MIDI input port N")],
        set: "same port",
        steps: &[
            "Load Sideman as a generator in a channel of its own.",
            "In the wrapper's settings give Sideman a MIDI output port.",
            "Give the instrument's wrapper the same number as its MIDI input port.",
        ],
    },
    Route {
        host: "Ardour",
        known_by: &["ardour", "mixbus"],
        boxes: &[KEYS, ("Sideman", "a MIDI track"), ("Instrument", "another MIDI track")],
        set: "MIDI connection",
        steps: &[
            "Load Sideman as the instrument of a MIDI track.",
            "Connect that track's MIDI output to the input of the instrument's track.",
        ],
    },
    Route {
        host: "Logic",
        known_by: &["logic", "garageband"],
        boxes: &[KEYS, ("Logic", "loads only Audio Units")],
        set: "",
        steps: &[
            "Logic loads only Audio Units, and Sideman is a VST3 and CLAP plugin: there is no Audio Unit of it yet.",
            "Use the program sideman beside Logic: play to it, and keep what it plays as a MIDI file.",
        ],
    },
    Route {
        host: "Without a DAW",
        known_by: &[],
        boxes: &[KEYS, ("Sideman", "the program"), ("Sound", "its own, or MIDI out")],
        set: "",
        steps: &[
            "Run sideman: it hears every MIDI keyboard and sounds by itself.",
            "sideman --from NAME hears one keyboard; sideman --to NAME plays an instrument outside.",
        ],
    },
];

/// The place of the route without a host.
pub(super) const ALONE: usize = ROUTES.len() - 1;

/// The place of the route for a host of this name among [`ROUTES`]; none for one that is not known.
pub(super) fn known(host: &str) -> Option<usize> {
    let host = host.to_lowercase();
    ROUTES.iter().position(|route| route.known_by.iter().any(|word| host.contains(word)))
}

/// Draws a route as boxes and arrows, as wide as there is room.
pub(super) fn picture(ui: &mut Ui, route: &Route, palette: &Palette) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 76.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, words(route)));
    let painter = ui.painter_at(rect.expand(1.0));
    let count = route.boxes.len() as f32;
    let gap = 30.0;
    let width = (rect.width() - gap * (count - 1.0)) / count;
    let mut left = rect.left();
    for (place, (name, stands)) in route.boxes.iter().enumerate() {
        let place_rect = Rect::from_min_size(pos2(left, rect.top() + 4.0), vec2(width, 56.0));
        let edge = if *name == "Sideman" { palette.machine } else { palette.strong_line };
        painter.rect(
            place_rect,
            CORNER,
            palette.sunken,
            Stroke::new(1.5, edge),
            StrokeKind::Inside,
        );
        line(&painter, place_rect.with_max_y(place_rect.center().y + 2.0), name, TEXT, palette);
        let below = place_rect.with_min_y(place_rect.center().y - 4.0);
        line(&painter, below, stands, SMALL, palette);
        if place > 0 {
            let y = place_rect.center().y;
            let is_last = place + 1 == route.boxes.len();
            let is_barred = *name == "Logic";
            let ink = if is_barred { palette.alarm } else { palette.text };
            let from = pos2(left - gap + 4.0, y);
            if is_barred {
                painter.line_segment([from, pos2(left - 4.0, y)], Stroke::new(1.5, ink));
                let middle = pos2(left - gap / 2.0, y);
                let cross = Stroke::new(2.0, ink);
                painter.line_segment([middle - vec2(5.0, 5.0), middle + vec2(5.0, 5.0)], cross);
                painter.line_segment([middle - vec2(5.0, -5.0), middle + vec2(5.0, -5.0)], cross);
            } else {
                painter.arrow(from, vec2(gap - 8.0, 0.0), Stroke::new(1.5, ink));
            }
            if is_last && !route.set.is_empty() {
                let at = pos2(left - gap / 2.0, rect.bottom() - 1.0);
                painter.text(
                    at,
                    Align2::CENTER_BOTTOM,
                    route.set,
                    font(SMALL),
                    palette.machine_text,
                );
            }
        }
        left += width + gap;
    }
}

fn line(painter: &Painter, room: Rect, text: &str, size: f32, palette: &Palette) {
    let ink = if size > SMALL { palette.text } else { palette.muted };
    let mut job =
        egui::text::LayoutJob::simple(text.to_owned(), font(size), ink, room.width() - 8.0);
    job.halign = egui::Align::Center;
    job.wrap.max_rows = 2;
    let galley = painter.layout_job(job);
    let at = pos2(room.center().x, room.center().y - galley.size().y / 2.0);
    painter.galley(at, galley, ink);
}

/// A route in words, for those who are read it to.
fn words(route: &Route) -> String {
    let boxes = route.boxes.iter().map(|(name, stands)| format!("{name} ({stands})"));
    format!("The way of the notes: {}", boxes.collect::<Vec<_>>().join(" to "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_known_by_the_names_that_they_give() {
        for (name, route) in [
            ("Live", "Ableton Live"),
            ("Ableton Live 12 Suite", "Ableton Live"),
            ("Bitwig Studio", "Bitwig Studio"),
            ("REAPER", "REAPER"),
            ("Cubase Pro 14", "Cubase"),
            ("FL Studio", "FL Studio"),
            ("Ardour", "Ardour"),
            ("Logic Pro", "Logic"),
        ] {
            assert_eq!(known(name).map(|place| ROUTES[place].host), Some(route), "{name}");
        }
        assert!(known("clack test host").is_none() && known("").is_none());
        assert_eq!(ROUTES[ALONE].host, "Without a DAW");
    }
}
