//! Nobody reads another value from a field than one that is told.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate::fuzzing::parameters(data));
