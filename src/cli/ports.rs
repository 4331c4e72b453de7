//! `sideman ports`: what can be played on.

use crate::standalone::card_face::cards;
use crate::standalone::jack_face::JackServer;
use crate::standalone::keyboards::{self, listed};

/// Lists it.
pub(crate) fn list() {
    match keyboards::ports() {
        Ok(ports) => {
            println!("keyboards: {}", listed(&ports.inputs));
            println!("MIDI outputs: {}", listed(&ports.outputs));
        }
        Err(why) => println!("MIDI: {why}"),
    }
    println!("sound cards: {}", listed(&cards()));
    match JackServer::connect() {
        Ok(server) => println!(
            "JACK: {:.0} Hz, {} samples a period; play with --jack",
            server.rate().hertz(),
            server.period()
        ),
        Err(why) => println!("JACK: {why}"),
    }
}
