//! Vectorscan through its C interface (`hs.h`), streaming.

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_ulonglong, c_void};
use std::ptr;

const DOTALL: c_uint = 2;
const SOM_LEFTMOST: c_uint = 256;
const STREAM: c_uint = 2;
const SOM_HORIZON_MEDIUM: c_uint = 1 << 25;

#[repr(C)]
struct CompileError {
    message: *const c_char,
    expression: c_int,
}

type OnMatch = extern "C" fn(c_uint, c_ulonglong, c_ulonglong, c_uint, *mut c_void) -> c_int;

#[link(name = "hs")]
unsafe extern "C" {
    fn hs_compile_multi(
        expressions: *const *const c_char,
        flags: *const c_uint,
        ids: *const c_uint,
        elements: c_uint,
        mode: c_uint,
        platform: *const c_void,
        db: *mut *mut c_void,
        error: *mut *mut CompileError,
    ) -> c_int;
    fn hs_free_compile_error(error: *mut CompileError) -> c_int;
    fn hs_alloc_scratch(db: *const c_void, scratch: *mut *mut c_void) -> c_int;
    fn hs_open_stream(db: *const c_void, flags: c_uint, stream: *mut *mut c_void) -> c_int;
    fn hs_scan_stream(
        stream: *mut c_void,
        data: *const c_char,
        length: c_uint,
        flags: c_uint,
        scratch: *mut c_void,
        on_match: OnMatch,
        context: *mut c_void,
    ) -> c_int;
    fn hs_close_stream(
        stream: *mut c_void,
        scratch: *mut c_void,
        on_match: OnMatch,
        context: *mut c_void,
    ) -> c_int;
    fn hs_database_size(db: *const c_void, size: *mut usize) -> c_int;
    fn hs_stream_size(db: *const c_void, size: *mut usize) -> c_int;
    fn hs_version() -> *const c_char;
}

/// Counts reports and lets the scan go on.
extern "C" fn count(_: c_uint, _: c_ulonglong, _: c_ulonglong, _: c_uint, context: *mut c_void) -> c_int {
    // SAFETY: every scan below passes a pointer to a live u64.
    unsafe { *context.cast::<u64>() += 1 };
    0
}

/// A compiled set with its scratch. Never freed: it lives as long as the program.
pub struct Vectorscan {
    db: *mut c_void,
    scratch: *mut c_void,
}

pub fn version() -> String {
    // SAFETY: a static string of the library.
    unsafe { CStr::from_ptr(hs_version()) }.to_string_lossy().into_owned()
}

impl Vectorscan {
    /// Compiles in stream mode. With `starts`, where a match starts is reported too (SOM_LEFTMOST).
    pub fn compile(patterns: &[String], starts: bool) -> Result<Vectorscan, String> {
        let texts: Vec<CString> = patterns.iter().filter_map(|p| CString::new(p.as_str()).ok()).collect();
        let pointers: Vec<*const c_char> = texts.iter().map(|t| t.as_ptr()).collect();
        let flags = vec![DOTALL | if starts { SOM_LEFTMOST } else { 0 }; texts.len()];
        let ids: Vec<c_uint> = (0..texts.len() as c_uint).collect();
        let mode = STREAM | if starts { SOM_HORIZON_MEDIUM } else { 0 };
        let (mut db, mut scratch) = (ptr::null_mut(), ptr::null_mut());
        let mut error: *mut CompileError = ptr::null_mut();
        // SAFETY: pointers to live arrays of `texts.len()` elements; results go to live locals, the error is freed.
        unsafe {
            let code = hs_compile_multi(
                pointers.as_ptr(),
                flags.as_ptr(),
                ids.as_ptr(),
                texts.len() as c_uint,
                mode,
                ptr::null(),
                &mut db,
                &mut error,
            );
            if code != 0 {
                let what = CStr::from_ptr((*error).message).to_string_lossy().into_owned();
                let which = patterns.get((*error).expression as usize).cloned().unwrap_or_default();
                hs_free_compile_error(error);
                return Err(format!("{what} {which}"));
            }
            if hs_alloc_scratch(db, &mut scratch) != 0 {
                return Err("no scratch".into());
            }
        }
        Ok(Vectorscan { db, scratch })
    }

    /// Bytes of the database and of one stream.
    pub fn sizes(&self) -> (usize, usize) {
        let (mut database, mut stream) = (0, 0);
        // SAFETY: a live database; results go to live locals.
        unsafe {
            hs_database_size(self.db, &mut database);
            hs_stream_size(self.db, &mut stream);
        }
        (database, stream)
    }

    /// Reports of one stream, pushed in chunks.
    pub fn scan(&mut self, text: &[u8], chunk: usize) -> u64 {
        let mut hits = 0u64;
        let context = (&raw mut hits).cast::<c_void>();
        let mut stream = ptr::null_mut();
        // SAFETY: database and scratch belong together; each chunk is a live slice, the stream is closed at the end.
        unsafe {
            assert_eq!(hs_open_stream(self.db, 0, &mut stream), 0, "stream");
            for piece in text.chunks(chunk) {
                let (data, length) = (piece.as_ptr().cast(), piece.len() as c_uint);
                assert_eq!(hs_scan_stream(stream, data, length, 0, self.scratch, count, context), 0, "scan");
            }
            assert_eq!(hs_close_stream(stream, self.scratch, count, context), 0, "close");
        }
        hits
    }
}
