// A page whose session is in cookies that no script can read.
//
// Every call goes through `api`. One that is answered with 401 waits for its turn, over
// all tabs, and tries again: whoever was before may have refreshed the cookies. If not, it
// does so itself. Without turns a late answer could put back cookies that another tab has
// spent by then. (Tabs that do refresh at the same moment get the same new cookies.)

const $ = (id) => document.getElementById(id);
const otherTabs = new BroadcastChannel("session");

async function refresh() {
  return (await fetch("/api/token/cookie/refresh/", { method: "POST" })).ok;
}

async function api(path, options = {}) {
  const call = () => fetch(path, {
    ...options,
    headers: options.body ? { "Content-Type": "application/json" } : {},
  });
  const answer = await call();
  if (answer.status !== 401) return answer;
  return navigator.locks.request("refresh", async () => {
    const second = await call();
    return second.status === 401 && await refresh() ? call() : second;
  });
}

function say(text) { $("status").textContent = text; }

function show(loggedIn) {
  $("login").hidden = loggedIn;
  $("account").hidden = !loggedIn;
  document.body.dataset.loggedIn = loggedIn;
}

function row(...texts) {
  const line = document.createElement("tr");
  line.append(...texts.map((text) => {
    const cell = document.createElement("td");
    cell.textContent = text;
    return cell;
  }));
  return line;
}

function sessionLine(session) {
  const line = document.createElement("li");
  const when = new Date(session.last_used_at).toLocaleString();
  line.append(`${session.device || "Unknown device"}, ${session.ip ?? "unknown address"}, ${when}`);
  if (session.current) {
    line.append(" (this one)");
  } else {
    const end = document.createElement("button");
    end.textContent = "End";
    end.onclick = async () => {
      await api(`/api/token/sessions/${session.id}/`, { method: "DELETE" });
      await load();
    };
    line.append(end);
  }
  return line;
}

async function load() {
  const me = await api("/api/v2/users/me/");
  if (!me.ok) {
    show(false);
    say(me.status === 401 ? "Not logged in" : `The service answered ${me.status}`);
    return;
  }
  const [user, orders, sessions] = [
    await me.json(),
    await (await api("/api/v2/orders/?page_size=5")).json(),
    await (await api("/api/token/sessions/")).json(),
  ];
  $("orders").replaceChildren(...orders.results.map(({ id, status, total }) =>
    row(`#${id}`, status, `${total.amount} ${total.currency}`)));
  $("sessions").replaceChildren(...sessions.results.map(sessionLine));
  show(true);
  say(`Logged in as ${user.email}`);
}

$("login").onsubmit = async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const body = JSON.stringify(Object.fromEntries(form));
  const answer = await fetch("/api/token/cookie/", {
    method: "POST", headers: { "Content-Type": "application/json" }, body,
  });
  if (answer.ok) {
    event.target.reset();
    await load();
    otherTabs.postMessage("changed");
  } else {
    say((await answer.json()).detail);
  }
};

$("logout").onclick = async () => {
  await fetch("/api/token/cookie/logout/", { method: "POST" });
  otherTabs.postMessage("changed");
  await load();
};

$("reload").onclick = load;
otherTabs.onmessage = load;
load();
