//! Manifests as bytes.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ingress_fuzz::manifest(data));
