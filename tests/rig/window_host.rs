//! A CLAP host with a window: it embeds the plugin's in its own, plays notes to it, and moves a mouse over it.
#![expect(unsafe_code, reason = "a plugin is loaded, and a window's number handed to it, over C")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use clack_extensions::gui::{
    GuiApiType, GuiConfiguration, GuiError, GuiSize, HostGui, HostGuiImpl, PluginGui, Window,
};
use clack_extensions::params::{
    HostParams, HostParamsImplMainThread, HostParamsImplShared, ParamClearFlags, ParamRescanFlags,
    PluginParams,
};
use clack_host::events::Match;
use clack_host::events::event_types::{NoteOffEvent, NoteOnEvent};
use clack_host::prelude::*;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ConfigureWindowAux, ConnectionExt as _,
    CreateWindowAux, KEY_PRESS_EVENT, KEY_RELEASE_EVENT, MOTION_NOTIFY_EVENT, WindowClass,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

const RATE: f64 = 48_000.0;
const FRAMES: u32 = 256;

/// Points that are clicked, across and down.
const CLICKS: [i16; 2] = [14, 9];

/// A host with a window.
pub(crate) struct WindowHost {
    instance: PluginInstance<Handlers>,
    screen: Option<(RustConnection, u32, u32)>,
    open: Option<u32>,
    playing: Option<(Arc<AtomicBool>, JoinHandle<StoppedPluginAudioProcessor<Handlers>>)>,
}

pub(crate) struct Handlers;

impl HostHandlers for Handlers {
    type Shared<'a> = Shared;
    type MainThread<'a> = Main;
    type AudioProcessor<'a> = ();

    fn declare_extensions(builder: &mut HostExtensions<'_, Self>, _: &Shared) {
        builder.register::<HostParams>().register::<HostGui>();
    }
}

/// What the plugin asks for on any thread.
#[derive(Default)]
pub(crate) struct Shared {
    callback: AtomicBool,
    /// Width and height that the plugin asked for last, packed.
    wanted: AtomicU64,
}

impl SharedHandler<'_> for Shared {
    fn request_restart(&self) {}
    fn request_process(&self) {}

    fn request_callback(&self) {
        self.callback.store(true, Ordering::Release);
    }
}

impl HostParamsImplShared for Shared {
    fn request_flush(&self) {}
}

impl HostGuiImpl for Shared {
    fn resize_hints_changed(&self) {}

    fn request_resize(&self, size: GuiSize) -> Result<(), HostError> {
        self.wanted.store(size.pack_to_u64(), Ordering::Release);
        Ok(())
    }

    fn request_show(&self) -> Result<(), HostError> {
        Ok(())
    }

    fn request_hide(&self) -> Result<(), HostError> {
        Ok(())
    }

    fn closed(&self, _was_destroyed: bool) {}
}

#[derive(Default)]
pub(crate) struct Main;

impl MainThreadHandler<'_> for Main {}

impl HostParamsImplMainThread for Main {
    fn rescan(&self, _flags: ParamRescanFlags) {}
    fn clear(&self, _: ClapId, _: ParamClearFlags) {}
}

impl WindowHost {
    /// A host with an instance of this very program's plugin, on the screen that `DISPLAY` names.
    pub(crate) fn open() -> Self {
        // SAFETY: the entry is a static of this program.
        let entry =
            unsafe { PluginEntry::load_from_raw(&sideman::plugin::clap_entry, c"") }.unwrap();
        let host = HostInfo::new("Rig", "Sideman", "", "1").unwrap();
        let id = c"org.sideman.sideman";
        let instance =
            PluginInstance::new(|()| Shared::default(), |_| Main, &entry, id, &host).unwrap();
        let screen = x11rb::connect(None).ok().map(|(connection, number)| {
            let root = connection.setup().roots[number].root;
            let window = connection.generate_id().unwrap();
            let aux = CreateWindowAux::new().background_pixel(0);
            let class = WindowClass::INPUT_OUTPUT;
            connection.create_window(0, window, root, 0, 0, 1040, 680, 0, class, 0, &aux).unwrap();
            connection.map_window(window).unwrap();
            connection.flush().unwrap();
            (connection, root, window)
        });
        Self { instance, screen, open: None, playing: None }
    }

    /// Activates the plugin, and plays a note every 50 ms to it on another thread.
    pub(crate) fn play(&mut self) {
        let config = PluginAudioConfiguration {
            sample_rate: RATE,
            min_frames_count: 1,
            max_frames_count: FRAMES,
        };
        let processor = self.instance.activate(|_, _| (), config).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = std::thread::spawn(move || perform(processor, &seen));
        self.playing = Some((stop, thread));
    }

    /// Deactivates it.
    pub(crate) fn stop(&mut self) {
        let (stop, thread) = self.playing.take().unwrap();
        stop.store(true, Ordering::Release);
        self.instance.deactivate(thread.join().unwrap());
    }

    /// How many parameters there are.
    pub(crate) fn params(&mut self) -> u32 {
        let handle = self.instance.plugin_handle();
        let params: PluginParams = handle.get_extension().unwrap();
        params.count(&handle)
    }

    /// Opens the window in the host's.
    pub(crate) fn show(&mut self) -> Result<(), GuiError> {
        let handle = self.instance.plugin_handle();
        let gui: PluginGui = handle.get_extension().expect("the plugin has a window");
        let configuration = GuiConfiguration { api_type: GuiApiType::X11, is_floating: false };
        assert!(gui.is_api_supported(&handle, configuration));
        gui.create(&handle, configuration)?;
        // Where there is no screen the plugin must have said so by now.
        let Some((_, _, parent)) = &self.screen else { return Ok(()) };
        assert!(gui.can_resize(&handle));
        // SAFETY: the host's window outlives the plugin's, which is closed before this is dropped.
        unsafe { gui.set_parent(&handle, Window::from_x11_handle(u64::from(*parent)))? };
        gui.show(&handle)?;
        self.open = Some(*parent);
        Ok(())
    }

    /// Closes it.
    pub(crate) fn close(&mut self) {
        let handle = self.instance.plugin_handle();
        let gui: PluginGui = handle.get_extension().unwrap();
        gui.hide(&handle).ok();
        gui.destroy(&handle);
        if let Some((connection, _, window)) = self.screen.as_ref().filter(|_| self.open.is_some())
        {
            // What it drew goes, so that the next is known to draw.
            connection.clear_area(false, *window, 0, 0, 0, 0).unwrap();
            connection.flush().unwrap();
        }
        self.open = None;
    }

    /// Resizes host's and plugin's windows.
    pub(crate) fn resize(&mut self, width: u32, height: u32) {
        let handle = self.instance.plugin_handle();
        let gui: PluginGui = handle.get_extension().unwrap();
        let size = gui.adjust_size(&handle, GuiSize { width, height }).unwrap();
        gui.set_size(&handle, size).unwrap();
        let (connection, _, window) = self.screen.as_ref().unwrap();
        let aux = ConfigureWindowAux::new().width(size.width).height(size.height);
        connection.configure_window(*window, &aux).unwrap();
        connection.flush().unwrap();
        self.idle(30);
        let handle = self.instance.plugin_handle();
        assert_eq!(gui.get_size(&handle), Some(size), "the plugin says how large it is");
    }

    /// Lets so many milliseconds pass as a host does: it calls back whoever asked for it.
    pub(crate) fn idle(&mut self, millis: u64) {
        let until = Instant::now() + Duration::from_millis(millis);
        loop {
            if self.instance.access_shared_handler(|s| s.callback.swap(false, Ordering::Acquire)) {
                self.instance.call_on_main_thread_callback();
            }
            let wanted =
                self.instance.access_shared_handler(|s| s.wanted.swap(0, Ordering::Acquire));
            if wanted != 0 {
                let size = GuiSize::unpack_from_u64(wanted);
                let (connection, _, window) = self.screen.as_ref().unwrap();
                let aux = ConfigureWindowAux::new().width(size.width).height(size.height);
                connection.configure_window(*window, &aux).unwrap();
                connection.flush().unwrap();
            }
            if Instant::now() >= until {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits until something is drawn: the middle of the window has more than one colour.
    pub(crate) fn wait_for_frame(&mut self) {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(20) {
            self.idle(20);
            let (connection, root, _) = self.screen.as_ref().unwrap();
            let format = x11rb::protocol::xproto::ImageFormat::Z_PIXMAP;
            let image = connection.get_image(format, *root, 0, 0, 640, 60, !0).unwrap();
            let data = image.reply().unwrap().data;
            let first = &data[..4];
            if data.chunks_exact(4).any(|pixel| pixel != first) {
                return;
            }
        }
        panic!("nothing is drawn");
    }

    /// Clicks, drags, turns the wheel and presses keys all over it; `seed` decides where a little.
    pub(crate) fn click_all_over(&mut self, seed: u64) {
        let [across, down] = CLICKS;
        let shift = (seed * 7 % 40) as i16;
        for row in 0..down {
            for column in 0..across {
                let (x, y) = (8 + shift + column * 72, 8 + shift / 2 + row * 72);
                self.fake(MOTION_NOTIFY_EVENT, 0, x, y);
                let button = if (row + column) % 5 == 4 { 4 + (row % 2) as u8 } else { 1 };
                self.fake(BUTTON_PRESS_EVENT, button, x, y);
                if (row * across + column) % 4 == 0 {
                    self.fake(MOTION_NOTIFY_EVENT, 0, x + 6, y - 9);
                }
                self.fake(BUTTON_RELEASE_EVENT, button, x, y);
                self.idle(3);
            }
        }
        // Keys by number, as keyboards have them: 1 to 5, Tab, Space, Escape, letters.
        for key in [10, 11, 12, 13, 14, 23, 23, 65, 58, 43, 9, 33, 41, 9] {
            self.fake(KEY_PRESS_EVENT, key, 0, 0);
            self.fake(KEY_RELEASE_EVENT, key, 0, 0);
            self.idle(3);
        }
    }

    fn fake(&self, event: u8, detail: u8, x: i16, y: i16) {
        let (connection, root, _) = self.screen.as_ref().unwrap();
        connection.xtest_fake_input(event, detail, 0, *root, x, y, 0).unwrap();
        connection.flush().unwrap();
    }
}

impl Drop for WindowHost {
    fn drop(&mut self) {
        if self.open.is_some() {
            self.close();
        }
        if self.playing.is_some() {
            self.stop();
        }
    }
}

/// Plays to the plugin in time, until it is told to stop.
fn perform(
    processor: StoppedPluginAudioProcessor<Handlers>,
    stop: &AtomicBool,
) -> StoppedPluginAudioProcessor<Handlers> {
    let mut processor = processor.start_processing().unwrap();
    let (mut steady, mut block) = (0_u64, 0_u64);
    let mut ports = AudioPorts::with_capacity(2, 1);
    let mut buffers = [vec![0.0_f32; FRAMES as usize], vec![0.0_f32; FRAMES as usize]];
    let length = Duration::from_secs_f64(f64::from(FRAMES) / RATE);
    let mut due = Instant::now();
    while !stop.load(Ordering::Acquire) {
        let mut input = EventBuffer::new();
        let key = 60 + (block / 20 % 5 * 2) as u16;
        if block.is_multiple_of(10) {
            let pckn = Pckn::new(0_u8, 0_u8, key, Match::All);
            if block / 10 % 2 == 0 {
                input.push(&NoteOnEvent::new(3, pckn, 0.7));
            } else {
                input.push(&NoteOffEvent::new(3, pckn, 0.5));
            }
        }
        let mut output = EventBuffer::new();
        let mut audio = ports.with_output_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_output_only(buffers.iter_mut().map(|b| &mut b[..])),
        }]);
        processor
            .process(
                &InputAudioBuffers::empty(),
                &mut audio,
                &input.as_input(),
                &mut output.as_output(),
                Some(steady),
                None,
            )
            .unwrap();
        steady += u64::from(FRAMES);
        block += 1;
        due += length;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    processor.stop_processing()
}
