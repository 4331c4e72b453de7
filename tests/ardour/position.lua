ardour {
	["type"] = "dsp",
	name = "Song position",
	category = "Utility",
	license = "MIT",
	author = "Sideman",
	description = [[Tells in each block where the song is, as a system exclusive message.]],
}

function dsp_ioconfig()
	return { { midi_in = 1, midi_out = 1, audio_in = 0, audio_out = 0 } }
end

-- Whether it rolls, then the sample in five groups of seven bits, lowest first.
function dsp_run(_, _, _)
	local place = Session:transport_sample()
	local data = { 0xf0, 0x7d, Session:transport_rolling() and 1 or 0 }
	for group = 0, 4 do data[#data + 1] = (place >> (7 * group)) & 0x7f end
	data[#data + 1] = 0xf7
	midiout[1] = { time = 1, data = data }
end
