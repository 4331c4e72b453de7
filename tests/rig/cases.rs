//! The cases that both formats go through.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The tests of a file go one after another: one of them counts threads, and most want a core.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a test of every case for this host.
macro_rules! cases {
    ($host:ty) => {
        cases!($host, notes: the_player_passes_through_to_the_sample,
            the_machine_plays_on_the_beat_at_any_block_size, a_flood_passes_whole,
            a_host_that_refuses_still_gets_every_end, disorder_is_put_in_order,
            sound_is_silence_or_passes_through, the_machine_plays_live);
        cases!($host, life: whatever_stops_the_machine_ends_its_notes, a_panic_passes,
            a_reset_and_a_new_activation_end_all_notes, odd_orders_break_nothing,
            instances_are_apart);
        #[cfg(target_os = "linux")]
        cases!($host, life: threads_end_with_their_activation);
        cases!($host, song: the_grid_follows_the_song, a_loop_leaves_nothing_behind, turns_keep_to_the_bars,
            without_a_transport_it_keeps_its_own_time, automation_counts_from_its_sample,
            automation_does_not_move_the_song, a_flood_does_not_move_the_song);
        cases!($host, surface: parameters_are_told_apart_and_read_back, values_read_well,
            a_state_comes_back, a_reloaded_song_is_rendered_as_it_was_heard, garbage_is_refused, hostile_values_come_into_range);
        cases!($host, panel: readings_are_read_only_and_told, a_preset_is_put_in_place_and_told,
            a_preset_is_put_in_place_while_nothing_plays, a_loaded_song_keeps_its_own_settings,
            settings_are_kept_as_a_preset, the_device_is_changed_while_it_plays, a_render_is_never_late,
            the_style_that_is_heard_is_shown);
        cases!($host, songs: a_song_of_the_first_version_loads, what_a_song_has_learnt_is_kept_until_it_is_forgotten, a_song_of_a_later_version_loads_and_says_so,
            a_missing_model_is_told_and_the_own_one_plays);
    };
    ($host:ty, $module:ident: $($case:ident),+) => {
        $(
            #[test]
            fn $case() {
                let _turn = cases::turn();
                $module::$case::<$host>();
            }
        )+
    };
}
