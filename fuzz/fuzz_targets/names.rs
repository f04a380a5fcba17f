//! Values are found under the same names however a text is cut.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate::fuzzing::names(data));
