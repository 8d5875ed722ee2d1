'use strict';
{
  const form = document.getElementById('filter');
  const [target, outcome, text] = ['by-target', 'by-outcome', 'by-text'].map((id) => document.getElementById(id));
  const rows = [...document.querySelectorAll('.filtered tbody tr:not(.group)')];
  const contents = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const has = (part, name, wanted) =>
    wanted === '' || [...part.querySelectorAll(name)].some((word) => word.textContent === wanted);
  // What a run did stands in one line for each target; a row of a job is such a line itself.
  const parts = (row) => { const lines = row.querySelectorAll('li'); return lines.length ? [...lines] : [row]; };
  const fits = (row, words) =>
    words.every((word) => contents.get(row).includes(word)) &&
    parts(row).some((part) => has(part, '.target', target.value) && has(part, '.outcome', outcome.value));

  const apply = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    rows.forEach((row) => { row.hidden = !fits(row, words); });
    const shown = rows.filter((row) => !row.hidden);
    for (const group of document.querySelectorAll('.filtered tbody')) {
      group.hidden = !group.querySelector('tr:not(.group):not([hidden])');
    }
    const isFiltered = words.length > 0 || target.value !== '' || outcome.value !== '';
    document.getElementById('shown').value = isFiltered ? `${shown.length} of ${rows.length} rows` : '';
  };

  form.addEventListener('input', apply);
  form.addEventListener('submit', (event) => event.preventDefault());
  // The fields are empty only once the event is over.
  form.addEventListener('reset', () => setTimeout(apply));
  form.hidden = rows.length === 0;
  // A browser fills in what was chosen before the page was read again.
  apply();
}
