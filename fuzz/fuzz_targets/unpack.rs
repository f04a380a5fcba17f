//! What a text wears is undone alike however it is cut, and leads back to the text; masks fit in it.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate::fuzzing::unpack(data));
