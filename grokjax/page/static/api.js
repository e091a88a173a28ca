// Questions to the process that serves this page. The token came in the address and is removed from it at once.

const token = location.hash.slice(1) || sessionStorage.getItem("token") || "";
sessionStorage.setItem("token", token);
history.replaceState(null, "", location.pathname);

const BUSY = 500;
const tags = new Map();
export const clock = { ahead: 0 }; // of the other side, in seconds: through a tunnel it may be another machine's

async function answered(response) {
  if (response.ok) return response.json();
  const text = await response.text();
  let problem = text;
  try { problem = JSON.parse(text).problem; } catch { /* a refusal is plain text */ }
  throw new Error(problem);
}

export async function ask(name, query = {}) {
  const words = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== "" && value !== undefined));
  return answered(await fetch(`/api/${name}?${words}`, { headers: { "X-Token": token } }));
}

// The answer, or null when it is the same as last time.
export async function askAgain(name) {
  const headers = { "X-Token": token };
  if (tags.has(name)) headers["If-None-Match"] = tags.get(name);
  const response = await fetch(`/api/${name}`, { headers, cache: "no-store" });
  const said = Date.parse(response.headers.get("Date"));
  if (said) clock.ahead = (said - Date.now()) / 1000;
  if (response.status === 304) return null;
  const data = await answered(response);
  tags.set(name, response.headers.get("ETag"));
  return data;
}

// Sends a text; asks again while another one is being checked, until it is aborted.
export async function send(name, content, signal) {
  for (;;) {
    const response = await fetch(`/api/${name}`, {
      method: "POST", body: JSON.stringify(content), headers: { "X-Token": token, "Content-Type": "application/json" }, signal,
    });
    if (response.status !== 202) return answered(response);
    await new Promise((wake) => { setTimeout(wake, BUSY); });
  }
}
