// Puts the key behind the # of a one-time link into the form, and takes it out of the address and its history.
document.getElementById("key").value = location.hash.slice(1);
history.replaceState(null, "", location.pathname);
