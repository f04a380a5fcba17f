//! What a line of events is said to hold stands in it.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate::fuzzing::events(data));
