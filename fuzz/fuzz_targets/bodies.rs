//! Whole bodies through the engine: what leaves is what came but for the edits.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate::fuzzing::bodies(data));
