// Passkeys (WebAuthn): asks the server what to sign, the browser for an answer, and sends it with
// the form around the button. The server believes nothing of it but the signature.
(() => {
  const fromText = (text) => {
    const base64 = text.replaceAll("-", "+").replaceAll("_", "/");
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  };
  const toText = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

  // A passkey belongs to a name: at another address, browsers refuse to look for it.
  const works = (host) =>
    "PublicKeyCredential" in window &&
    (location.hostname === host || location.hostname.endsWith(`.${host}`));

  function show() {
    for (const place of document.querySelectorAll("[data-passkey]")) {
      place.hidden = !works(place.dataset.host);
    }
    for (const hint of document.querySelectorAll("[data-passkey-elsewhere]")) {
      hint.hidden = works(hint.dataset.passkeyElsewhere);
    }
  }

  async function question(place, form) {
    const answer = await fetch(place.dataset.options, {
      method: "POST",
      headers: { "X-CSRFToken": form.elements.csrf_token.value, "HX-Request": "true" },
    });
    const elsewhere = answer.headers.get("HX-Redirect");
    if (elsewhere) {
      location.assign(elsewhere);
      return null;
    }
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    return answer.json();
  }

  const descriptors = (list) => (list ?? []).map((each) => ({ ...each, id: fromText(each.id) }));

  async function create(options) {
    const made = await navigator.credentials.create({
      publicKey: {
        ...options,
        challenge: fromText(options.challenge),
        user: { ...options.user, id: fromText(options.user.id) },
        excludeCredentials: descriptors(options.excludeCredentials),
      },
    });
    return spoken(made, { attestationObject: toText(made.response.attestationObject) });
  }

  async function get(options) {
    const found = await navigator.credentials.get({
      publicKey: {
        ...options,
        challenge: fromText(options.challenge),
        allowCredentials: descriptors(options.allowCredentials),
      },
    });
    const { authenticatorData, signature, userHandle } = found.response;
    return spoken(found, {
      authenticatorData: toText(authenticatorData),
      signature: toText(signature),
      ...(userHandle && { userHandle: toText(userHandle) }),
    });
  }

  const spoken = (credential, response) => ({
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    clientExtensionResults: {},
    response: { clientDataJSON: toText(credential.response.clientDataJSON), ...response },
  });

  async function ask(place, form) {
    const problem = form.querySelector("[data-passkey-problem]");
    const button = form.querySelector("[type=submit]");
    problem.textContent = "";
    button.disabled = true;
    try {
      const options = await question(place, form);
      if (options === null) return;
      const answer = place.dataset.passkey === "create" ? await create(options) : await get(options);
      form.elements.credential.value = JSON.stringify(answer);
      // Without the event: it would be asked again.
      form.submit();
    } catch (error) {
      const known = error.name === "InvalidStateError";
      problem.textContent = known
        ? "This device has a passkey of yours already."
        : "No passkey was used. Try again, or go on in another way.";
      button.disabled = false;
    }
  }

  document.addEventListener("submit", (event) => {
    const place = event.target.closest("[data-passkey]");
    if (!place) return;
    event.preventDefault();
    ask(place, event.target);
  });
  document.addEventListener("htmx:after:swap", show);
  show();
})();
