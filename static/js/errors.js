// A failed form opens on its summary of errors, which takes the focus.
document.querySelector("[data-error-summary]")?.focus();
