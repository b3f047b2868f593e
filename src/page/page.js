const byId = (id) => document.getElementById(id);

class Refused extends Error {
  constructor(status, body) {
    super([body.message ?? body.error].flat().join(', '));
    this.status = status;
    this.reason = body.revokeReason ?? body.reason;
  }
}

async function call(method, path, body) {
  const response = await fetch(path, {
    method,
    cache: 'no-store',
    ...(body && {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    }),
  });
  const text = await response.text();
  const answer = text === '' ? {} : JSON.parse(text);
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}

let deadlineTimer;

/** Asks who is signed in. The route counts as no activity, so that an open page does not keep a session alive. */
async function show() {
  clearTimeout(deadlineTimer);
  const wasSignedIn = !byId('signed-in').hidden;
  try {
    const { user, session } = await call('GET', '/me');
    byId('email').textContent = user.email;
    const endsAt = Math.min(session.idleExpiresAt ?? Infinity, session.expiresAt);
    byId('deadline').textContent =
      `Ends at ${new Date(endsAt).toLocaleTimeString()} unless you do something.`;
    const longestTimeout = 2 ** 31 - 1;
    deadlineTimer = setTimeout(
      run(show),
      Math.min(Math.max(endsAt - Date.now(), 0) + 1000, longestTimeout),
    );
    byId('signed-out').hidden = true;
    byId('signed-in').hidden = false;
  } catch (error) {
    if (error.status !== 401) throw error;
    byId('signed-out').hidden = false;
    byId('signed-in').hidden = true;
    const why = error.reason === 'absent' ? '' : ` (${error.reason})`;
    if (wasSignedIn) notice(`You are signed out${why}.`);
  }
}

async function showDevices() {
  const { sessions } = await call('GET', '/sessions');
  byId('devices').replaceChildren(...sessions.map(deviceRow));
}

function deviceRow({ id, current, createdAt, lastSeenAt, ip, label }) {
  const row = document.createElement('tr');
  const cells = [
    label,
    ip ?? 'unknown',
    new Date(createdAt).toLocaleString(),
    new Date(lastSeenAt).toLocaleTimeString(),
  ];
  row.append(...cells.map((text) => element('td', text)), document.createElement('td'));
  row.lastElementChild.append(
    current
      ? 'this one'
      : button('End', () => call('DELETE', `/sessions/${encodeURIComponent(id)}`)),
  );
  return row;
}

async function showCart() {
  const { items } = await call('GET', '/cart');
  byId('items').replaceChildren(
    ...Object.entries(items).map(([item, quantity]) => {
      const line = element('li', `${quantity} × ${item} `);
      line.append(button('Remove', () => call('DELETE', `/cart/${item}`)));
      return line;
    }),
  );
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function button(text, onClick) {
  const made = element('button', text);
  made.type = 'button';
  made.addEventListener('click', run(onClick, refresh));
  return made;
}

function notice(text) {
  byId('notice').textContent = text;
}

/** Runs the steps one after the other and says what went wrong. */
function run(...steps) {
  return async (event) => {
    event?.preventDefault?.();
    notice('');
    try {
      for (const step of steps) await step(event);
    } catch (error) {
      if (error.status === 401) await show().catch(() => {});
      notice(error.message);
    }
  };
}

async function refresh() {
  await show();
  if (!byId('signed-in').hidden) await showDevices();
  await showCart();
}

const valuesOf = (form) => Object.fromEntries(new FormData(form));

async function signIn({ target, submitter }) {
  const { email, password, remember } = valuesOf(target);
  if (submitter.value === 'register') await call('POST', '/auth/register', { email, password });
  await call('POST', '/auth/login', { email, password, remember: remember === 'on' });
  target.reset();
}

async function changePassword({ target }) {
  await call('POST', '/auth/password', valuesOf(target));
  target.reset();
}

async function putIntoCart({ target }) {
  const { item, quantity } = valuesOf(target);
  await call('PUT', `/cart/${item}`, { quantity: Number(quantity) });
  target.reset();
}

byId('sign-in').addEventListener('submit', run(signIn, refresh));
byId('password').addEventListener(
  'submit',
  run(changePassword, refresh, () => notice('Changed.')),
);
byId('cart').addEventListener('submit', run(putIntoCart, refresh));
byId('sign-out').addEventListener(
  'click',
  run(() => call('POST', '/auth/logout'), refresh),
);
byId('end-others').addEventListener(
  'click',
  run(() => call('POST', '/sessions/revoke-others'), refresh),
);
byId('reload').addEventListener('click', run(refresh));
window.addEventListener('focus', run(show));
run(refresh)();
