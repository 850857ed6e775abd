// The pages of the API document: the theme, and requests that are tried. Tokens are kept nowhere.
const root = document.documentElement;
const button = document.getElementById("theme-button");
button.hidden = false;
button.addEventListener("click", () => {
  const chosen = root.dataset.bsTheme === "dark" ? "light" : "dark";
  root.dataset.bsTheme = chosen;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `theme=${chosen}; path=/; max-age=31536000; samesite=lax${secure}`;
});

const tokenForm = document.getElementById("token-form");
if (tokenForm) {
  tokenForm.hidden = false;
  tokenForm.addEventListener("submit", (event) => event.preventDefault());
}
for (const part of document.querySelectorAll(".api-try")) {
  part.hidden = false;
  part.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    send(event.currentTarget);
  });
}

async function send(form) {
  const query = new URLSearchParams();
  const headers = {};
  let path = form.dataset.path;
  for (const { name, value } of form.querySelectorAll("input")) {
    if (name === "Idempotency-Key") headers[name] = value || crypto.randomUUID();
    else if (path.includes(`{${name}}`)) path = path.replace(`{${name}}`, encodeURIComponent(value));
    else if (value) query.set(name, value);
  }
  const token = document.getElementById("token").value.trim();
  if (token) headers.Authorization = `Bearer ${token}`;
  const body = form.querySelector("[data-body]")?.value;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const url = query.size ? `${path}?${query}` : path;
  show(form, `${form.dataset.method} ${url} …`);
  try {
    const response = await fetch(url, { method: form.dataset.method, headers, body });
    const text = await response.text();
    const isJson = (response.headers.get("Content-Type") || "").includes("json");
    show(form, `${response.status}\n${isJson ? JSON.stringify(JSON.parse(text), null, 2) : text}`);
  } catch (error) {
    show(form, `No response: ${error.message}`);
  }
}

function show(form, text) {
  const outcome = document.createElement("pre");
  outcome.tabIndex = 0;
  outcome.textContent = text;
  form.querySelector("[data-outcome]").replaceChildren(outcome);
}
