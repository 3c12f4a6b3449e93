"use strict";
// Draws the charts of the page, and lets people pick a series, zoom, and read values.
// Words of the data reach the page only as text (textContent), never as markup.
(() => {
  const content = JSON.parse(document.getElementById("data").textContent);
  const byId = (name) => document.getElementById(name);
  const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif';
  const axis = {
    labelColor: "var(--muted)", titleColor: "var(--muted)", gridColor: "var(--grid)", domainColor: "var(--line)",
    tickColor: "var(--line)", labelFontSize: 11.5, titleFontSize: 11.5, titleFontWeight: 400, labelPadding: 5,
    titlePadding: 8, labelOverlap: true, tickCount: 6, tickSize: 4,
  };
  const config = {
    background: null, font: FONT, view: { stroke: null }, axis, axisY: { domain: false, ticks: false },
    axisX: { grid: false }, aria: false,
  };
  const options = {
    renderer: "svg", actions: false, ast: true, defaultStyle: false, config, tooltip: { disableDefaultStyle: true },
  };
  window.pageErrors = [];
  const failed = (error) => { window.pageErrors.push(String(error)); console.error(error); };

  const silence = (element, role, label) => {  // the figure and its table speak; Vega's own words need not
    element.setAttribute("role", role);
    element.setAttribute("aria-label", label);
    element.removeAttribute("aria-roledescription");
    for (const svg of element.querySelectorAll("svg")) {
      svg.setAttribute("aria-hidden", "true");
      svg.removeAttribute("role");
      svg.removeAttribute("aria-roledescription");
      svg.removeAttribute("aria-label");
    }
  };

  const drawn = Object.entries(content.charts).map(([name, spec]) => {
    const place = byId("chart-" + name), label = place.getAttribute("aria-label");
    return window.vegaEmbed(place, spec, options).then(() => silence(place, "img", label)).catch(failed);
  });

  // ---------------------------------------------------------------- numbers of the series
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
  const values = (p) => Float64Array.from(new Float32Array(bytes(p.b)), (each) => p.o + p.s * each);
  const times = (p) => {
    if (p.n !== undefined) return Float64Array.from({ length: p.n }, (_, i) => p.t + i * p.d);
    const counts = p.k === "i4" ? new Int32Array(bytes(p.b)) : new Float64Array(bytes(p.b));
    return Float64Array.from(counts, (each) => p.t + each * p.u);
  };
  const shown = (value) => (Number.isFinite(value)
    ? value.toLocaleString("en-US", Math.abs(value) >= 1e9 || (value && Math.abs(value) < 1e-4)
      ? { notation: "scientific", maximumSignificantDigits: 5 } : { maximumSignificantDigits: 6 }) : "missing");
  const two = (number) => String(number).padStart(2, "0");
  const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
  let dates = true;
  const stamp = (ms) => {
    const t = new Date(ms);
    const day = `${days[t.getUTCDay()]} ${t.getUTCFullYear()}-${two(t.getUTCMonth() + 1)}-${two(t.getUTCDate())}`;
    return dates ? day : `${day} ${two(t.getUTCHours())}:${two(t.getUTCMinutes())}${t.getUTCSeconds() ? ":" + two(t.getUTCSeconds()) : ""}`;
  };

  const series = content.series;
  if (!series) { Promise.all(drawn).then(() => { window.pageDrawn = true; }); return; }
  const charts = new Map(series.charts);
  const order = series.charts.map(([place]) => place);
  const unpacked = new Map();

  const unpack = (place) => {
    if (unpacked.has(place)) return unpacked.get(place);
    const packed = charts.get(place);
    const past = { t: times(packed.t), v: values(packed.v) };
    const fan = [];
    if (packed.f) {
      const t = times(packed.f.t), p = values(packed.f.p), a = packed.f.a ? values(packed.f.a) : null;
      const bounds = packed.f.l.map(([low, high]) => [values(low), values(high)]);
      let at = 0;
      packed.f.n.forEach((count, w) => {
        for (let i = 0; i < count; i++, at++) {
          const row = { w, t: t[at], p: p[at], h: i + 1 };
          if (a) row.a = Number.isFinite(a[at]) ? a[at] : null;
          bounds.forEach(([low, high], k) => { row["l" + k] = low[at]; row["u" + k] = high[at]; });
          fan.push(row);
        }
      });
    }
    const one = { past, fan, odd: packed.odd ? Array.from(times(packed.odd)) : [], part: packed.part, rows: packed.rows };
    one.windows = packed.f ? packed.f.n.length : 0;
    one.all = readable(one);
    unpacked.set(place, one);
    return one;
  };

  // Every time with something to read, in order.
  const readable = (one) => {
    const found = new Map();
    for (let i = 0; i < one.past.t.length; i++) found.set(one.past.t[i], { t: one.past.t[i], v: one.past.v[i] });
    for (const row of one.fan) found.set(row.t, { ...found.get(row.t), ...row });
    return [...found.values()].sort((x, y) => x.t - y.t);
  };

  // ---------------------------------------------------------------- the chart of a series
  const HIGH = 300, GAP = 34, STRIP = 44;
  const levels = series.levels.map((level, k) => ({ level, k })).sort((a, b) => b.level - a.level);
  const shade = (level) => `var(--band-${Math.min(2, levels.length - 1 - levels.findIndex((l) => l.level === level))})`;
  const x = (scale) => ({ scale, field: "t" });
  const lineMark = (from, y, colour, width, x_ = "x", extra = {}) => ({
    type: "line", from: { data: from }, clip: true,
    encode: { update: { x: x(x_), y: { scale: x_ === "x" ? "y" : "y2", field: y }, stroke: { value: colour },
      strokeWidth: { value: width }, strokeJoin: { value: "round" }, defined: { signal: `isValid(datum.${y}) && isFinite(datum.${y})` }, ...extra } },
  });
  const perWindow = (marks) => ({
    type: "group", from: { facet: { name: "one", data: "fan", groupby: "w" } }, clip: false,
    encode: { update: { width: { signal: "width" }, height: { value: HIGH } } }, marks,
  });
  const band = ({ level, k }) => ({
    type: "area", from: { data: "one" }, clip: true,
    encode: { update: { x: x("x"), y: { scale: "y", field: "l" + k }, y2: { scale: "y", field: "u" + k }, fill: { value: shade(level) },
      defined: { signal: `isFinite(datum.l${k})` } } },
  });
  const spec = {
    $schema: "https://vega.github.io/schema/vega/v6.json",
    autosize: { type: "fit-x", contains: "padding" }, padding: 2, height: HIGH + GAP + STRIP,
    signals: [
      { name: "width", init: "isFinite(containerSize()[0]) ? containerSize()[0] : 300",
        on: [{ events: "window:resize", update: "isFinite(containerSize()[0]) ? containerSize()[0] : 300" }] },
      { name: "dx", value: [0, 1] }, { name: "dy", value: [0, 1] }, { name: "fx", value: [0, 1] }, { name: "fy", value: [0, 1] },
      { name: "form", value: "" },
    ],
    data: ["past", "whole", "fan", "odd", "read", "begin"].map((name) => ({ name })),
    scales: [
      { name: "x", type: "utc", domain: { signal: "dx" }, range: [0, { signal: "width" }] },
      { name: "y", type: "linear", domain: { signal: "dy" }, range: [HIGH, 0], nice: 6, zero: false },
      { name: "x2", type: "utc", domain: { signal: "fx" }, range: [0, { signal: "width" }] },
      { name: "y2", type: "linear", domain: { signal: "fy" }, range: [STRIP, 0], zero: false },
    ],
    marks: [
      { type: "group", name: "focus",
        encode: { update: { width: { signal: "width" }, height: { value: HIGH } } },
        axes: [
          { orient: "left", scale: "y", grid: true, tickCount: 6, format: { signal: "form" }, zindex: 0 },
          { orient: "bottom", scale: "x", grid: false, tickCount: { signal: "max(3, ceil(width / 110))" }, labelFlush: true, labelOverlap: true, format: content.clock },
        ],
        marks: [
          { type: "rule", from: { data: "begin" }, encode: { update: { x: x("x"), y: { value: 0 }, y2: { value: HIGH },
            stroke: { value: "var(--line)" }, strokeDash: { value: [3, 3] }, opacity: { signal: "datum.t >= dx[0] && datum.t <= dx[1] ? 1 : 0" } } } },
          perWindow(levels.map(band)),
          lineMark("past", "v", "var(--past)", 1.3),
          perWindow([
            lineMark("one", "a", "var(--actual)", 1.6),
            { type: "symbol", from: { data: "one" }, clip: true, encode: { update: { x: x("x"), y: { scale: "y", field: "a" },
              size: { value: 16 }, fill: { value: "var(--actual)" }, opacity: { signal: "isValid(datum.a) && few ? 1 : 0" } } } },
            lineMark("one", "p", "var(--model)", 2.2),
            { type: "symbol", from: { data: "one" }, clip: true, encode: { update: { x: x("x"), y: { scale: "y", field: "p" },
              size: { value: 16 }, fill: { value: "var(--model)" }, opacity: { signal: "few ? 1 : 0" } } } },
          ]),
          { type: "symbol", from: { data: "odd" }, clip: true, encode: { update: { x: x("x"), y: { value: HIGH - 6 }, shape: { value: "cross" }, angle: { value: 45 },
            size: { value: 40 }, fill: { value: "var(--odd)" } } } },
          { type: "rule", from: { data: "read" }, encode: { update: { x: x("x"), y: { value: 0 }, y2: { value: HIGH }, stroke: { value: "var(--muted)" } } } },
          ...[["v", "past"], ["a", "actual"], ["p", "model"]].map(([field, colour]) => ({
            type: "symbol", from: { data: "read" }, encode: { update: { x: x("x"), y: { scale: "y", field }, size: { value: 46 },
              fill: { value: `var(--${colour})` }, stroke: { value: "var(--paper)" }, strokeWidth: { value: 1.5 },
              opacity: { signal: `isValid(datum.${field}) && isFinite(datum.${field}) ? 1 : 0` } } } })),
        ] },
      { type: "group", name: "strip",
        encode: { update: { y: { value: HIGH + GAP }, width: { signal: "width" }, height: { value: STRIP }, fill: { value: "var(--grid)" }, cornerRadius: { value: 3 } } },
        marks: [
          lineMark("whole", "v", "var(--past)", 1, "x2", { opacity: { value: 0.75 } }),
          { type: "group", from: { facet: { name: "each", data: "fan", groupby: "w" } }, marks: [lineMark("each", "p", "var(--model)", 1.2, "x2")] },
          { type: "rect", encode: { update: { x: { signal: "scale('x2', dx[0])" }, x2: { signal: "max(scale('x2', dx[1]), scale('x2', dx[0]) + 2)" }, y: { value: 0 }, y2: { value: STRIP },
            fill: { value: "var(--band)" }, stroke: { value: "var(--accent)" }, cornerRadius: { value: 3 } } } },
        ] },
    ],
  };
  spec.signals.push({ name: "few", value: false });

  let view = null, current = null, place = order[0], at = -1, domain = [0, 1];
  const chart = byId("series-chart");

  const rows = (t, v, low, high) => {  // the rows within the time shown, and one on either side
    const found = [];
    for (let i = 0; i < t.length; i++) {
      const near = t[i] >= low && t[i] <= high || (t[i] < low && t[i + 1] >= low) || (t[i] > high && t[i - 1] <= high);
      if (near) found.push({ t: t[i], v: Number.isFinite(v[i]) ? v[i] : null });
    }
    return found;
  };
  const extent = (all) => {
    let low = Infinity, high = -Infinity;
    for (const each of all) if (Number.isFinite(each)) { low = Math.min(low, each); high = Math.max(high, each); }
    if (!(low <= high)) return [0, 1];
    const more = high > low ? (high - low) * 0.04 : Math.abs(high) * 0.05 || 1;
    return [low - more, high + more];
  };
  const format = ([low, high]) => {
    const most = Math.max(Math.abs(low), Math.abs(high));
    return most >= 1e7 ? "~s" : most < 1e-3 ? "~e" : ",~f";
  };
  const whole = (one) => (one.all.length ? [one.all[0].t, one.all[one.all.length - 1].t] : [0, 1]);
  const recent = (one) => {
    const [first, last] = whole(one), count = Math.max(one.fan.length, 30);
    const from = one.all[Math.max(0, one.all.length - Math.min(Math.max(5 * Math.ceil(count / Math.max(one.windows, 1)) + count, 60), 1500))];
    return from ? [Math.max(first, from.t), last] : [first, last];
  };

  let waiting = false;
  const show = () => {
    if (waiting || !view) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw().catch(failed); });
  };
  const draw = async () => {
    const [low, high] = domain, one = current;
    const past = rows(one.past.t, one.past.v, low, high);
    const inside = one.fan.filter((row) => row.t >= low && row.t <= high);
    const y = extent([...past.map((r) => r.v), ...inside.flatMap((r) => [r.p, r.a ?? NaN, ...levels.flatMap(({ k }) => [r["l" + k], r["u" + k]])])]);
    const full = whole(one);
    view.signal("dx", domain).signal("dy", y).signal("fx", full).signal("form", format(y));
    view.signal("few", inside.length > 0 && inside.length <= 40);
    view.data("past", past).data("fan", one.fan).data("odd", one.odd.map((t) => ({ t }))).data("begin", one.begin);
    view.data("read", at >= 0 && one.all[at] ? [one.all[at]] : []);
    if (view.shownSeries !== one) {
      view.data("whole", rows(one.past.t, one.past.v, full[0], full[1]));
      view.signal("fy", extent([...one.past.v, ...one.fan.map((r) => r.p)]));
      view.shownSeries = one;
    }
    await view.runAsync();
    silence(chart, "slider", `Values of ${series.ids[place]} over time`);
    window.seriesDrawn = (window.seriesDrawn || 0) + 1;
  };

  const text = (row) => {
    const parts = [];
    if (row.a !== undefined) parts.push(["held out", shown(row.a)]);
    else if ("v" in row) parts.push(["observed", shown(row.v)]);
    if (row.p !== undefined) {
      parts.push([series.ahead ? "forecast" : `forecast, step ${row.h}`, shown(row.p)]);
      for (const { level, k } of [...levels].reverse()) parts.push([`${level} %`, `${shown(row["l" + k])} to ${shown(row["u" + k])}`]);
    }
    return parts;
  };
  const read = (to, spoken = true) => {
    at = to;
    const row = current.all[to], line = byId("read-out");
    line.replaceChildren();
    if (row) {
      const when = document.createElement("b");
      when.textContent = stamp(row.t);
      line.append(when);
      for (const [name, value] of text(row)) {
        const part = document.createElement("span"), number = document.createElement("b");
        part.textContent = name + " ";
        number.textContent = value;
        part.append(number);
        line.append(part, " ");
      }
      chart.setAttribute("aria-valuenow", String(to));
      if (spoken) chart.setAttribute("aria-valuetext", `${stamp(row.t)}: ${text(row).map((p) => p.join(" ")).join(", ")}`);
      if (row.t < domain[0] || row.t > domain[1]) move(row.t - (domain[0] + domain[1]) / 2);
    }
    show();
  };
  const nearest = (t) => {
    const all = current.all;
    let low = 0, high = all.length - 1;
    while (low < high) { const mid = (low + high) >> 1; if (all[mid].t < t) low = mid + 1; else high = mid; }
    return low > 0 && t - all[low - 1].t < all[low].t - t ? low - 1 : low;
  };

  const to = (low, high) => {  // show this time, within what there is, at least a few rows wide
    const [first, last] = whole(current), step = current.all.length > 1 ? (last - first) / (current.all.length - 1) : 1;
    const width = Math.min(Math.max(high - low, Math.min(6 * step, last - first)), last - first) || 1;
    const begin = Math.min(Math.max(low, first), last - width);
    domain = [begin, begin + width];
    show();
  };
  const move = (by) => to(domain[0] + by, domain[1] + by);
  const zoom = (factor) => {
    const middle = at >= 0 && current.all[at] ? Math.min(Math.max(current.all[at].t, domain[0]), domain[1]) : (domain[0] + domain[1]) / 2;
    to(middle - (middle - domain[0]) * factor, middle + (domain[1] - middle) * factor);
  };
  const actions = {
    all: () => to(...whole(current)), recent: () => to(...recent(current)), in: () => zoom(0.5), out: () => zoom(2),
    left: () => move(-(domain[1] - domain[0]) / 2), right: () => move((domain[1] - domain[0]) / 2),
  };
  for (const button of document.querySelectorAll("[data-zoom]")) button.addEventListener("click", () => actions[button.dataset.zoom]());

  chart.addEventListener("keydown", (event) => {
    if (!current || !current.all.length || event.altKey || event.ctrlKey || event.metaKey) return;
    const last = current.all.length - 1, now = at < 0 ? nearest(domain[1]) : at;
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: 10, PageDown: -10 };
    if (event.key === "Home" || event.key === "End") read(event.key === "Home" ? 0 : last);
    else if (event.key in by) read(Math.min(Math.max(at < 0 ? now : now + by[event.key], 0), last));
    else if (event.key === "+" || event.key === "=") zoom(0.5);
    else if (event.key === "-") zoom(2);
    else return;
    event.preventDefault();
  });

  // Pointers: hover reads, a drag in the chart moves it, a drag on the strip chooses the time.
  let drag = null;
  const where = (event) => {
    const svg = chart.querySelector("svg"), box = svg.getBoundingClientRect(), [left, top] = view.origin();
    const factor = box.width / (svg.viewBox.baseVal.width || box.width);
    return { x: (event.clientX - box.left) / factor - left, y: (event.clientY - box.top) / factor - top };
  };
  const time = (scale, px) => +view.scale(scale).invert(px);
  chart.addEventListener("pointerdown", (event) => {
    if (!view || event.button) return;
    const { x: px, y } = where(event);
    drag = y > HIGH + GAP - 6 ? { strip: true, from: time("x2", px) } : { from: px, domain: [...domain], slow: time("x", 1) - time("x", 0) };
    if (event.pointerType === "mouse" || drag.strip) chart.setPointerCapture(event.pointerId);
  });
  chart.addEventListener("pointermove", (event) => {
    if (!view || !current) return;
    const { x: px } = where(event);
    if (drag && drag.strip) {
      const other = time("x2", px);
      if (Math.abs(other - drag.from) > 0) to(Math.min(drag.from, other), Math.max(drag.from, other));
    } else if (drag && Math.abs(px - drag.from) > 3) {
      const by = (drag.from - px) * drag.slow;
      to(drag.domain[0] + by, drag.domain[1] + by);
    } else if (current.all.length) read(nearest(time("x", px)), false);
  });
  for (const end of ["pointerup", "pointercancel"]) chart.addEventListener(end, () => { drag = null; });
  chart.addEventListener("pointerleave", () => { if (!drag && document.activeElement !== chart) { at = -1; byId("read-out").replaceChildren(); show(); } });
  chart.addEventListener("dblclick", () => actions.all());

  // ---------------------------------------------------------------- which series
  const ranks = series.errors.map((e, i) => [e, i]).filter(([e]) => e !== null).sort((a, b) => b[0] - a[0]);
  const rank = new Map(ranks.map(([, i], r) => [i, r + 1]));
  const ranked = (r) => (r === 1 ? "the largest error of " : r === ranks.length ? "the smallest error of "
    : `rank ${r.toLocaleString("en-US")} by error of `) + ranks.length.toLocaleString("en-US");
  const about = (p) => {
    const parts = [series.notes[p]];
    const error = series.errors[p];
    if (error !== undefined) {
      parts.push(error === null ? "not scored" : `${series.measure} ${shown(error)}`);
      if (error !== null && series.rivals[p] !== null) parts[1] += `, ${series.rival} ${shown(series.rivals[p])}`;
      if (rank.has(p) && ranks.length > 1) parts.push(ranked(rank.get(p)));
    }
    return parts;
  };
  const pick = (p) => {
    place = p;
    current = charts.has(p) ? unpack(p) : null;
    byId("name").textContent = series.ids[p];
    const parts = about(p);
    if (current && current.odd.length) parts.push(`${current.odd.length} suspicious value${current.odd.length === 1 ? "" : "s"} left out (×)`);
    if (current && current.part) parts.push(`older rows drawn by the least and greatest of every ${current.part.toLocaleString("en-US")}`);
    byId("about").textContent = parts.join(" · ");
    byId("pick").value = series.ids[p];
    byId("read-out").replaceChildren();
    at = -1;
    const some = current && current.all.some((row) => Number.isFinite(row.v) || row.p !== undefined);
    const note = byId("empty");
    note.hidden = Boolean(some);
    chart.hidden = !some;
    note.textContent = current ? "No value of this series was observed." : "This series has no chart: there was no room for all of them in this page.";
    for (const button of document.querySelectorAll("[data-zoom]")) button.disabled = !some;
    byId("before").disabled = p === 0;
    byId("after").disabled = p === series.ids.length - 1;
    if (!some) return;
    dates = current.all.every((row) => row.t % 864e5 === 0);
    current.begin = current.begin || [...new Map(current.fan.map((row) => [row.w, row])).keys()].map((w) => ({ t: current.fan.find((row) => row.w === w).t }));
    chart.setAttribute("aria-valuemax", String(current.all.length - 1));
    chart.setAttribute("aria-valuenow", String(current.all.length - 1));
    chart.setAttribute("aria-valuetext", "Press an arrow key to read values");
    domain = recent(current);
    to(...domain);
  };

  const legend = byId("series-legend");
  const key = (look, words) => {
    const item = document.createElement("li"), svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    for (const [name, value] of [["class", "key " + look], ["width", 26], ["height", 12], ["viewBox", "0 0 26 12"], ["aria-hidden", "true"]]) svg.setAttribute(name, value);
    const rect = document.createElementNS(svg.namespaceURI, "rect"), path = document.createElementNS(svg.namespaceURI, "path");
    for (const [name, value] of [["x", 0], ["y", 1], ["width", 26], ["height", 10], ["rx", 2]]) rect.setAttribute(name, value);
    path.setAttribute("d", "M1 6H25");
    svg.append(rect, path);
    item.append(svg, words);
    legend.append(item);
  };
  key("past", `${series.target}, observed`);
  if ([...charts.values()].some((each) => each.f)) {
    if (!series.ahead) key("actual", "held out");
    key("model", "forecast");
    for (const { level } of [...levels].reverse()) key(shade(level).slice(6, -1), `${level} % interval`);
  }

  // ---------------------------------------------------------------- the picker
  const box = byId("pick"), list = byId("found"), MOST = 60;
  const lower = series.ids.map((each) => each.toLowerCase());
  let choices = [], chosen = -1;
  const find = (words) => {
    const asked = words.trim().toLowerCase();
    const all = [...lower.keys()];
    if (!asked) return series.errors.length ? all.sort((a, b) => (series.errors[b] ?? -1) - (series.errors[a] ?? -1)) : all;
    const begins = all.filter((p) => lower[p].startsWith(asked));
    return begins.concat(all.filter((p) => lower[p].includes(asked) && !lower[p].startsWith(asked)));
  };
  const open = (words) => {
    const all = find(words);
    choices = all.slice(0, MOST);
    chosen = choices.length && words.trim() ? 0 : -1;
    list.replaceChildren(...choices.map((p, i) => {
      const item = document.createElement("li"), name = document.createElement("bdi"), more = document.createElement("span");
      item.id = "choice-" + i;
      item.setAttribute("role", "option");
      name.textContent = series.ids[p];
      const error = series.errors[p];
      more.textContent = [error === undefined ? "" : error === null ? "not scored" : `${series.measure} ${shown(error)}`, charts.has(p) ? "" : "no chart"].filter(Boolean).join(" · ");
      item.append(name, more);
      item.addEventListener("pointerdown", (event) => { event.preventDefault(); choose(i); });
      return item;
    }));
    byId("matches").textContent = all.length ? `${all.length.toLocaleString("en-US")} series found` + (all.length > MOST ? `, the first ${MOST} are listed` : "") : "No series found";
    if (!all.length || all.length > MOST) {
      const rest = document.createElement("li");
      rest.className = "more";
      rest.setAttribute("role", "option");
      rest.setAttribute("aria-disabled", "true");
      rest.textContent = all.length ? `and ${(all.length - MOST).toLocaleString("en-US")} more: type on` : "No series found";
      list.append(rest);
    }
    list.hidden = false;
    box.setAttribute("aria-expanded", "true");
    mark();
  };
  const mark = () => {
    [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === chosen)));
    if (chosen >= 0) {
      box.setAttribute("aria-activedescendant", "choice-" + chosen);
      list.children[chosen].scrollIntoView({ block: "nearest" });
    } else box.removeAttribute("aria-activedescendant");
  };
  const close = () => {
    list.hidden = true;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  };
  const choose = (i) => { close(); pick(choices[i]); };
  box.addEventListener("focus", () => { box.select(); });
  box.addEventListener("click", () => { if (list.hidden) open(""); });
  box.addEventListener("input", () => open(box.value));
  box.addEventListener("blur", () => { close(); box.value = series.ids[place]; });
  box.addEventListener("keydown", (event) => {
    const isOpen = !list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!isOpen) open("");
      if (choices.length) chosen = (chosen + (event.key === "ArrowDown" ? 1 : -1) + choices.length + (chosen < 0 && event.key === "ArrowUp" ? 1 : 0)) % choices.length;
      mark();
    } else if (event.key === "Enter" && isOpen && chosen >= 0) choose(chosen);
    else if (event.key === "Escape") { close(); box.value = series.ids[place]; box.select(); }
    else return;
    event.preventDefault();
  });
  byId("before").addEventListener("click", () => pick(Math.max(0, place - 1)));
  byId("after").addEventListener("click", () => pick(Math.min(series.ids.length - 1, place + 1)));

  drawn.push(window.vegaEmbed(chart, spec, { ...options, mode: "vega" }).then(async (result) => {
    view = result.view;
    silence(chart, "slider", "Values over time");
    pick(order[0]);
    if (current) await draw();
  }).catch(failed));
  Promise.all(drawn).then(() => { window.pageDrawn = true; });
})();
