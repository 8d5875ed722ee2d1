'use strict';

/* Shows what is kept in line from Personio about the requester of the ticket. */
(function () {
  // key: as the API names it; label: as agents read it; kind: how its value is found.
  const FIELDS = __FIELDS__;

  const status = document.getElementById('status');
  const problem = document.getElementById('problem');
  const problemText = document.getElementById('problem-text');
  const again = document.getElementById('again');
  const list = document.getElementById('fields');

  let client;
  // Answers of a ticket that is no longer shown come too late.
  let turn = 0;

  function show(words) {
    status.textContent = words;
    problem.hidden = true;
    list.hidden = true;
    resize();
  }

  function fail(words) {
    status.textContent = '';
    list.hidden = true;
    problem.hidden = false;
    problemText.textContent = words;
    resize();
  }

  function resize() {
    const height = Math.min(Math.max(document.body.scrollHeight, 80), 700);
    Promise.resolve()
      .then(function () { return client.instance.resize({ height: height + 'px' }); })
      .catch(function () { /* The place decides its own height then. */ });
  }

  // The answer is a text in every version of the platform seen; an object does no harm.
  function parsed(answer) {
    return typeof answer.response === 'string' ? JSON.parse(answer.response) : answer.response;
  }

  async function readRequester(id) {
    const answer = await client.request.invokeTemplate('getRequester', { context: { id: id } });
    return parsed(answer).requester;
  }

  async function readAgent(id) {
    const answer = await client.request.invokeTemplate('getAgent', { context: { id: id } });
    return parsed(answer).agent;
  }

  // A requester, or the agent that an id turns out to be.
  async function readPerson(id) {
    let person;
    try {
      person = await readRequester(id);
      if (person && !person.is_agent) {
        return { values: person, isAgent: false };
      }
    } catch (error) {
      if (!error || error.status !== 404) {
        throw error;
      }
    }
    try {
      return { values: await readAgent(id), isAgent: true };
    } catch (error) {
      // The row of an agent among the requesters says most of it, too.
      if (person) {
        return { values: person, isAgent: true };
      }
      throw error;
    }
  }

  function isEmpty(value) {
    return value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
  }

  // Days come as 2026-03-31, or as midnight in the account's zone, written in UTC.
  function day(text) {
    const match = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:?\d{2}))?$/.exec(text);
    if (!match) {
      return null;
    }
    // The nearest midnight is meant; thirteen hours take New Zealand in, as the sync itself reads these.
    const ahead = match[2] ? 13 * 60 * 60 * 1000 : 0;
    const moment = new Date(new Date(text).getTime() + ahead);
    return Number.isNaN(moment.getTime()) ? null : moment;
  }

  function words(value) {
    if (typeof value === 'boolean') {
      return value ? 'Yes' : 'No';
    }
    if (Array.isArray(value)) {
      return value.map(words).join(', ');
    }
    const text = String(value);
    const date = typeof value === 'string' && day(text);
    if (date) {
      return new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeZone: 'UTC' }).format(date);
    }
    return text;
  }

  function raw(person, key) {
    const custom = /^custom_fields\.(.+)$/.exec(key);
    if (custom) {
      return (person.values.custom_fields || {})[custom[1]];
    }
    if (key === 'primary_email' && isEmpty(person.values.primary_email)) {
      return person.values.email;
    }
    return person.values[key];
  }

  async function departmentName(id) {
    const answer = await client.request.invokeTemplate('getDepartment', { context: { id: id } });
    return parsed(answer).department.name;
  }

  async function locationName(id) {
    const answer = await client.request.invokeTemplate('getLocation', { context: { id: id } });
    return parsed(answer).location.name;
  }

  async function personName(id) {
    const person = (await readPerson(id)).values;
    return [person.first_name, person.last_name].filter(Boolean).join(' ') || person.primary_email || person.email;
  }

  // Ids are shown by name; when a name cannot be read, the id is better than nothing.
  async function named(id, name) {
    try {
      return (await name(id)) || '#' + id;
    } catch {
      return '#' + id;
    }
  }

  async function valueOf(person, field) {
    const value = raw(person, field.key);
    if (isEmpty(value)) {
      return null;
    }
    switch (field.kind) {
      case 'departments': {
        const names = person.values.department_names;
        if (Array.isArray(names) && names.length > 0 && names.every(Boolean)) {
          return names;
        }
        return Promise.all(value.map(function (id) { return named(id, departmentName); }));
      }
      case 'location':
        return person.values.location_name || named(value, locationName);
      case 'person':
        return named(value, personName);
      default:
        return value;
    }
  }

  function row(label, value) {
    const group = document.createElement('div');
    const term = document.createElement('dt');
    const description = document.createElement('dd');
    term.textContent = label;
    if (isEmpty(value)) {
      const dash = document.createElement('span');
      const spoken = document.createElement('span');
      dash.textContent = '—';
      dash.setAttribute('aria-hidden', 'true');
      spoken.textContent = 'empty';
      spoken.className = 'for-screen-readers';
      description.append(dash, spoken);
    } else {
      description.textContent = words(value);
    }
    group.append(term, description);
    return group;
  }

  function reason(error) {
    switch (error && error.status) {
      case 401:
        return 'Freshservice refuses the API key in this app’s settings. Ask an administrator to enter it again.';
      case 403:
        return 'The API key in this app’s settings may not read requesters. Ask an administrator for a key that may.';
      case 404:
        return 'Freshservice no longer has this requester.';
      case 429:
        return 'Freshservice is asked too much at the moment. Try again in a minute.';
      default:
        return 'The requester could not be read.';
    }
  }

  // Which fields the app's settings ask for; none chosen means all.
  function chosen(settings) {
    const labels = settings && settings.fields;
    if (!Array.isArray(labels) || labels.length === 0) {
      return FIELDS;
    }
    return FIELDS.filter(function (field) { return labels.includes(field.label); });
  }

  async function requesterId() {
    const found = await client.data.get('requester');
    return found && found.requester && found.requester.id;
  }

  async function refresh() {
    turn += 1;
    const mine = turn;
    show('Loading…');
    try {
      const settings = await client.iparams.get();
      if (settings && settings.enabled === false) {
        show('This widget is switched off in the app’s settings.');
        return;
      }
      const id = await requesterId();
      if (mine !== turn) {
        return;
      }
      if (isEmpty(id)) {
        show('This ticket has no requester.');
        return;
      }
      const person = await readPerson(id);
      const fields = chosen(settings);
      const values = await Promise.all(fields.map(function (field) { return valueOf(person, field); }));
      if (mine !== turn) {
        return;
      }
      if (values.every(isEmpty)) {
        show('Nothing about this requester has been synced from Personio yet.');
        return;
      }
      list.replaceChildren.apply(list, fields.map(function (field, index) { return row(field.label, values[index]); }));
      show(person.isAgent ? 'The requester is an agent.' : '');
      list.hidden = false;
      resize();
    } catch (error) {
      if (mine === turn) {
        fail(reason(error));
      }
    }
  }

  again.addEventListener('click', function () {
    // The button goes away; the focus must not get lost with it.
    status.tabIndex = -1;
    status.focus();
    refresh();
  });

  app.initialized()
    .then(function (given) {
      client = given;
      client.events.on('app.activated', refresh);
    })
    .catch(function () {
      status.textContent = 'The widget could not be started. Reload the page.';
    });
})();
