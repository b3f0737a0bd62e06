// Browsers keep the fragment of a link to themselves. It leaves the address bar and the history before it is sent.
const token = location.hash.slice(1);
history.replaceState(null, "", "/");
addEventListener("hashchange", () => location.reload());
if (token) {
  const answer = await fetch("/login", { method: "POST", body: token });
  const text = await answer.text();
  if (answer.ok) location.replace(text);
  else document.querySelector("#problem").textContent = text;
}
