//! The side of XDND that drags (the X Drag-and-Drop protocol, version 5, freedesktop.org).
//!
//! Toolkits take hold of the pointer to follow it. Here the window's own connection has it, since the button went down there; so
//! the server is asked for the pointer instead, and nothing of the window need be known.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use thiserror::Error;
use x11rb::connection::Connection as _;
use x11rb::errors::{ConnectError, ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask, KeyButMask,
    PropMode, SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, SelectionRequestEvent, Timestamp,
    Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// The protocol's version here, and the least that is spoken to.
const VERSION: u32 = 5;
const LEAST_VERSION: u32 = 3;

/// Between two questions for the pointer.
const PAUSE: Duration = Duration::from_millis(10);

/// How long an answer is waited for: of whoever the file is over, and of whoever takes it.
const ANSWER: Duration = Duration::from_millis(700);
const TAKING: Duration = Duration::from_secs(5);

/// What stands in an address as it is, beside letters and digits (RFC 3986: unreserved, and what parts folders).
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

x11rb::atom_manager! {
    /// Names that the protocol has for things.
    Atoms:
    AtomsCookie {
        XdndAware,
        XdndEnter,
        XdndPosition,
        XdndStatus,
        XdndLeave,
        XdndDrop,
        XdndFinished,
        XdndSelection,
        XdndActionCopy,
        TARGETS,
        URI_LIST: b"text/uri-list",
        SIDEMAN_TIME,
    }
}

/// What ends a drag before its time.
#[derive(Debug, Error)]
pub(super) enum Lost {
    #[error("there is no X server: {0}")]
    Connect(#[from] ConnectError),
    #[error("the X server is lost: {0}")]
    Connection(#[from] ConnectionError),
    #[error("the X server refuses: {0}")]
    Reply(#[from] ReplyError),
    #[error("the X server has no room: {0}")]
    Id(#[from] ReplyOrIdError),
}

/// Who drags.
pub(super) struct Source {
    server: RustConnection,
    root: Window,
    /// Unseen: messages are from and to it.
    window: Window,
    atoms: Atoms,
    /// What is dragged: the file's address, as a list of one.
    list: Vec<u8>,
    /// The server's time when it was asked for, and when that was.
    time: (Timestamp, Instant),
    over: Option<Target>,
}

/// Whom the file is over.
#[derive(Default)]
struct Target {
    window: Window,
    /// Where it was told that the file is.
    told: Option<(i16, i16)>,
    /// Since when an answer is waited for.
    asked: Option<Instant>,
    accepts: bool,
    /// Whether it has done with what was dropped.
    has_finished: bool,
}

impl Source {
    /// Who will drag a file.
    ///
    /// # Errors
    /// [`Lost`], where there is no server to be found.
    pub(super) fn new(path: &Path) -> Result<Self, Lost> {
        let (server, number) = x11rb::connect(None)?;
        let root = server.setup().roots[number].root;
        let atoms = Atoms::new(&server)?.reply()?;
        let window = server.generate_id()?;
        let aux = CreateWindowAux::new().event_mask(EventMask::PROPERTY_CHANGE);
        let class = WindowClass::INPUT_ONLY;
        server.create_window(0, window, root, -1, -1, 1, 1, 0, class, 0, &aux)?;
        let address = percent_encode(path.as_os_str().as_bytes(), PLAIN);
        let list = format!("file://{address}\r\n").into_bytes();
        let time = (ask_time(&server, window, &atoms)?, Instant::now());
        server.set_selection_owner(window, atoms.XdndSelection, time.0)?.check()?;
        Ok(Self { server, root, window, atoms, list, time, over: None })
    }

    /// Drags until the button is let go of, or it is to end.
    ///
    /// # Errors
    /// [`Lost`], where the server is.
    pub(super) fn carry(mut self, ends: &AtomicBool) -> Result<(), Lost> {
        self.follow(ends)?;
        // A connection that is closed while something lies unread there takes with it what was said last.
        Ok(self.server.sync()?)
    }

    fn follow(&mut self, ends: &AtomicBool) -> Result<(), Lost> {
        let released = loop {
            self.listen()?;
            if ends.load(Ordering::Acquire) {
                return self.leave();
            }
            let pointer = self.server.query_pointer(self.root)?.reply()?;
            let place = (pointer.root, (pointer.root_x, pointer.root_y));
            if !pointer.mask.contains(KeyButMask::BUTTON1) {
                break self.over.is_some().then_some(place);
            }
            self.point(place.0, place.1)?;
            std::thread::sleep(PAUSE);
        };
        self.wait(ends, ANSWER, |target| target.asked.is_none())?;
        if let Some((root, place)) = released {
            // It counts where it was let go of, not where it was told of last.
            self.point(root, place)?;
            self.wait(ends, ANSWER, |target| target.asked.is_none())?;
        }
        if ends.load(Ordering::Acquire) || self.over.as_ref().is_none_or(|t| !t.accepts) {
            return self.leave();
        }
        let time = self.now();
        self.tell(self.atoms.XdndDrop, [0, time, 0, 0])?;
        self.wait(ends, TAKING, |target| target.has_finished)
    }

    /// The pointer is there.
    fn point(&mut self, root: Window, place: (i16, i16)) -> Result<(), Lost> {
        let under = self.under(root, place)?;
        if self.over.as_ref().map(|target| target.window) != under.map(|(window, _)| window) {
            self.leave()?;
            if let Some((window, version)) = under {
                self.over = Some(Target { window, ..Target::default() });
                let first_kind = self.atoms.URI_LIST;
                self.tell(self.atoms.XdndEnter, [version << 24, first_kind, 0, 0])?;
            }
        }
        let time = self.now();
        let Some(target) = &mut self.over else { return Ok(()) };
        let waits = target.asked.is_some_and(|asked| asked.elapsed() < ANSWER);
        if waits || target.told == Some(place) {
            return Ok(());
        }
        target.told = Some(place);
        target.asked = Some(Instant::now());
        let [x, y] = [place.0, place.1].map(|at| u32::from(at.cast_unsigned()));
        self.tell(self.atoms.XdndPosition, [0, x << 16 | y, time, self.atoms.XdndActionCopy])
    }

    /// The outermost window there that takes drops, and the version that is spoken with it.
    fn under(&self, root: Window, (x, y): (i16, i16)) -> Result<Option<(Window, u32)>, Lost> {
        let mut window = root;
        loop {
            let Some(there) = gone(self.server.translate_coordinates(root, window, x, y)?.reply())?
            else {
                return Ok(None);
            };
            window = there.child;
            if window == x11rb::NONE {
                return Ok(None);
            }
            let kind = AtomEnum::ANY;
            let aware =
                self.server.get_property(false, window, self.atoms.XdndAware, kind, 0, 1)?;
            let Some(aware) = gone(aware.reply())? else { return Ok(None) };
            let version = aware.value32().and_then(|mut values| values.next());
            if let Some(version) = version.filter(|version| *version >= LEAST_VERSION) {
                return Ok(Some((window, version.min(VERSION))));
            }
        }
    }

    /// Takes the file away from whom it is over.
    fn leave(&mut self) -> Result<(), Lost> {
        self.tell(self.atoms.XdndLeave, [0; 4])?;
        self.over = None;
        Ok(())
    }

    /// Tells whom the file is over. A window that is gone hears nothing, and that is no error.
    fn tell(&self, what: Atom, words: [u32; 4]) -> Result<(), Lost> {
        let Some(target) = &self.over else { return Ok(()) };
        let [a, b, c, d] = words;
        let message = ClientMessageEvent::new(32, target.window, what, [self.window, a, b, c, d]);
        self.server.send_event(false, target.window, EventMask::NO_EVENT, message)?;
        self.server.flush()?;
        Ok(())
    }

    /// Hears answers until there is the one that is waited for.
    fn wait(
        &mut self,
        ends: &AtomicBool,
        longest: Duration,
        is_there: impl Fn(&Target) -> bool,
    ) -> Result<(), Lost> {
        let begin = Instant::now();
        while begin.elapsed() < longest && !ends.load(Ordering::Acquire) {
            self.listen()?;
            if self.over.as_ref().is_none_or(&is_there) {
                break;
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Hears what there is to hear.
    fn listen(&mut self) -> Result<(), Lost> {
        while let Some(event) = self.server.poll_for_event()? {
            match event {
                Event::SelectionRequest(request) => self.give(&request)?,
                Event::ClientMessage(message) if message.format == 32 => {
                    let [window, flags, ..] = message.data.as_data32();
                    let Some(target) = self.over.as_mut().filter(|t| t.window == window) else {
                        continue;
                    };
                    if message.type_ == self.atoms.XdndStatus {
                        (target.accepts, target.asked) = (flags & 1 == 1, None);
                    } else if message.type_ == self.atoms.XdndFinished {
                        target.has_finished = true;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Gives the file's address to who asks for it, or the list of what there is.
    fn give(&self, request: &SelectionRequestEvent) -> Result<(), Lost> {
        let SelectionRequestEvent { requestor, target, time, selection, .. } = *request;
        // Old programs leave the place open.
        let place = if request.property == x11rb::NONE { target } else { request.property };
        let property = if target == self.atoms.URI_LIST {
            self.server.change_property8(
                PropMode::REPLACE,
                requestor,
                place,
                target,
                &self.list,
            )?;
            place
        } else if target == self.atoms.TARGETS {
            let kinds = [self.atoms.TARGETS, self.atoms.URI_LIST];
            let kind = AtomEnum::ATOM;
            self.server.change_property32(PropMode::REPLACE, requestor, place, kind, &kinds)?;
            place
        } else {
            x11rb::NONE
        };
        let response_type = SELECTION_NOTIFY_EVENT;
        let answer = SelectionNotifyEvent {
            response_type,
            sequence: 0,
            time,
            requestor,
            selection,
            target,
            property,
        };
        self.server.send_event(false, requestor, EventMask::NO_EVENT, answer)?;
        self.server.flush()?;
        Ok(())
    }

    /// The server's time in milliseconds, as far as can be told without asking.
    fn now(&self) -> Timestamp {
        let (time, at) = self.time;
        // The server counts round, too.
        time.wrapping_add(at.elapsed().as_millis() as u32)
    }
}

/// Asks the server for its time: it puts it on whatever is changed.
fn ask_time(server: &RustConnection, window: Window, atoms: &Atoms) -> Result<Timestamp, Lost> {
    let (name, kind) = (atoms.SIDEMAN_TIME, AtomEnum::STRING);
    server.change_property8(PropMode::APPEND, window, name, kind, &[])?.check()?;
    loop {
        if let Event::PropertyNotify(event) = server.wait_for_event()? {
            return Ok(event.time);
        }
    }
}

/// What was asked of a window; nothing where that has gone in the meantime.
fn gone<T>(reply: Result<T, ReplyError>) -> Result<Option<T>, Lost> {
    match reply {
        Ok(reply) => Ok(Some(reply)),
        Err(ReplyError::X11Error(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
