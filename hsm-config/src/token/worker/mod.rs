//! The child process in which the module runs.
