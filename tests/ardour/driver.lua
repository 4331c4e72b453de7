-- Ardour as the tests drive it. Each line of standard input is one call of a function below; its outcome goes
-- out on a line of its own that begins with "@", since Ardour prints there too.

local RATE = 48000
local BY_HAND = ARDOUR.TransportRequestSource.TRS_UI
local session, sideman, places

-- Ardour connects ports from a thread of its own, beside the one that makes them; JACK's client library mixes
-- up the answers of two such calls, and the server drops the client. So nothing is connected by itself.
local function engine()
	local config = ARDOUR.config()
	config:set_auto_connect_standard_busses(false)
	config:set_input_auto_connect(0)
	config:set_output_auto_connect(0)
	assert(AudioEngine:set_backend("JACK", "ardour", ""), "no JACK backend")
end

local function track(name, instrument)
	local midi = ARDOUR.ChanCount(ARDOUR.DataType("midi"), 1)
	local made = session:new_midi_track(midi, midi, false, instrument, nil, nil, 1, name,
		ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true)
	for one in made:iter() do
		-- What is played is heard whether the transport rolls or not.
		one:monitoring_control():set_value(1, PBD.GroupControlDisposition.NoGroup)
		return one
	end
	error("no track was made")
end

function create(folder)
	engine()
	session = assert(create_session(folder, "song", RATE), "no session was made")
	sleep(0.3)
end

function reopen(folder)
	engine()
	session = assert(load_session(folder, "song"), "the session was not loaded")
	sleep(0.3)
	sideman = session:route_by_name("Sideman"):nth_plugin(0)
	assert(not sideman:isnil(), "the plugin is not in the session")
end

-- Sideman on a track, and beside it the script that tells the song position.
function add_tracks()
	local info = ARDOUR.LuaAPI.new_plugin_info("Sideman", ARDOUR.PluginType.VST3)
	assert(info, "Ardour does not know the plugin")
	local own = track("Sideman", info)
	sideman = own:nth_plugin(0)
	assert(not sideman:isnil(), "Ardour did not load the plugin")
	places = ARDOUR.LuaAPI.new_luaproc(session, "Song position")
	assert(not places:isnil(), "no script for the song position")
	local other = track("Position", ARDOUR.PluginInfo())
	assert(other:add_processor_by_index(places, 0, nil, true) == 0, "no place for the script")
end

function save()
	return session:save_state("song") == 0
end

local function parameter(name)
	local plugin = sideman:to_insert():plugin(0)
	for index = 0, 63 do
		if plugin:parameter_label(index) == name then return index end
	end
	error("no parameter is called " .. name)
end

function set(name, value)
	return ARDOUR.LuaAPI.set_processor_param(sideman, parameter(name), value)
end

function get(name)
	return string.format("%.6g", (ARDOUR.LuaAPI.get_processor_param(sideman, parameter(name), true)))
end

function roll() session:request_roll(BY_HAND) end

function stop() session:request_stop(false, false, BY_HAND) end

function locate(sample)
	session:request_locate(sample, false, ARDOUR.LocateTransportDisposition.MustRoll, BY_HAND)
end

function loop(on) session:request_play_loop(on, true) end

-- Tempi in quarter notes a minute, and metres in quarter notes a bar, each from a beat on.
function tempo_map(tempi, metres)
	local map = Temporal.TempoMap.write_copy()
	local at = function(beat) return Temporal.timepos_t.from_ticks(beat * 1920) end
	for _, metre in ipairs(metres) do map:set_meter(Temporal.Meter(metre[2], 4), at(metre[1])) end
	for _, tempo in ipairs(tempi) do
		map:set_tempo(Temporal.Tempo(tempo[2], tempo[2], 4), at(tempo[1]))
	end
	Temporal.TempoMap.update(map)
end

local function answer(...)
	io.stdout:write("\n@ ", table.concat({ ... }, "\t"), "\n")
	io.stdout:flush()
end

answer("ready")
for line in io.lines() do
	local call, fault = load("return " .. line)
	local done, value = false, fault
	if call then done, value = pcall(call) end
	answer(done and "done" or "failed", (tostring(value):gsub("%s+", " ")))
end
