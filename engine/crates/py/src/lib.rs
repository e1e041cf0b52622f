//! `headrace._engine`: the engine as Python sees it. `_engine.pyi` beside the Python package documents it for users.
#![allow(missing_docs)] // the stub carries the documentation, stubtest keeps it true

mod convert;
mod engine;

use pyo3::prelude::*;

/// The module. Nothing starts at import.
#[pymodule(gil_used = false)]
fn _engine(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("StartError", module.py().get_type::<engine::StartError>())?;
    module.add_class::<engine::Engine>()
}
