// Hands a page's figures to plotly.js; what is drawn is in the page as words and as a table too.
const style = () => getComputedStyle(document.documentElement);

// The named colours are light-dark() pairs; only an element can tell which half counts.
function palette() {
  const probe = document.createElement("i");
  document.body.append(probe);
  const read = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const names = ["text", "quiet", "line", "blue", "fill-healthy", "fill-degraded", "fill-critical", "panel"];
  const found = Object.fromEntries(names.map((name) => [name, read(name)]));
  probe.remove();
  return found;
}

const faint = (colour, share) => colour.replace(/^rgb\((.*)\)$/, (_, rgb) => `rgba(${rgb}, ${share})`);

const axis = (c, more) => ({
  gridcolor: c.line,
  linecolor: c.line,
  zerolinecolor: c.line,
  automargin: true,
  fixedrange: true,
  ...more,
});

const KINDS = {
  equity: (d, c) => ({
    traces: [
      { x: d.at, y: d.high, line: { width: 0 }, hoverinfo: "skip", mode: "lines" },
      { x: d.at, y: d.low, line: { width: 0 }, fill: "tonexty", fillcolor: faint(c.blue, 0.25), hoverinfo: "skip", mode: "lines" },
      { x: d.at, y: d.equity, mode: d.at.length > 1 ? "lines" : "markers", line: { color: c.blue, width: 1.6 }, marker: { color: c.blue }, name: "equity", hovertemplate: "%{y:,.2f}" },
      { x: d.at, y: d.drawdown, yaxis: "y2", mode: "lines", fill: "tozeroy", line: { color: c["fill-critical"], width: 1, dash: "dot" }, fillcolor: faint(c["fill-critical"], 0.3), name: "drawdown", hovertemplate: "%{y:.2f} %" },
    ],
    layout: {
      xaxis: axis(c, { anchor: "y2", ...(d.shown ? { range: d.shown } : {}) }),
      yaxis: axis(c, { domain: [0.32, 1], nticks: 4 }),
      yaxis2: axis(c, { domain: [0, 0.26], nticks: 3, ticksuffix: " %", rangemode: "tozero" }),
      hovermode: "x unified",
    },
  }),
  burn: (d, c) => {
    const last = d.days.at(-1);
    const end = monthEnd(last);
    const tops = d.limits.map((one) => one.limit);
    const highest = Math.max(...d.spent, d.ends ?? 0);
    const shown = tops.filter((limit) => limit <= 4 * highest);
    return {
      traces: [
        { x: d.days, y: d.spent, mode: "lines+markers", line: { color: c.blue, width: 2, shape: "hv" }, marker: { size: 3 }, fill: "tozeroy", fillcolor: faint(c.blue, 0.2), name: "spent", hovertemplate: "$%{y:.2f}" },
        ...(d.ends === null || last === end ? [] : [{ x: [last, end], y: [d.spent.at(-1), d.ends], mode: "lines", line: { color: c.blue, dash: "dash", width: 1.5 }, name: "at this pace", hovertemplate: "$%{y:.2f}" }]),
        ...d.limits.filter((one) => one.on).map((one) => ({ x: [one.on], y: [one.limit], mode: "markers", marker: { symbol: "x", size: 9, color: c["fill-critical"] }, name: `${one.name} limit reached`, hovertemplate: "%{x}" })),
      ],
      layout: {
        xaxis: axis(c, { range: [`${last.slice(0, 8)}01`, end], tickformat: "%-d %b", nticks: 6 }),
        yaxis: axis(c, { tickprefix: "$", nticks: 4, range: [0, 1.12 * Math.max(highest, ...shown, 0.01)] }),
        shapes: d.limits.map((one) => ({ type: "line", xref: "paper", x0: 0, x1: 1, y0: one.limit, y1: one.limit, line: { color: c[one.name === "critical" ? "fill-critical" : "fill-degraded"], dash: one.name === "critical" ? "solid" : "dash", width: 1.5 } })),
        annotations: d.limits.filter((one) => shown.includes(one.limit)).map((one) => ({ xref: "paper", x: 0, xanchor: "left", y: one.limit, yanchor: "bottom", text: `${one.name} $${one.limit}`, showarrow: false, font: { size: 10, color: c.text } })),
      },
    };
  },
  history: (d, c) => ({
    traces: [{ x: d.days, y: d.values, mode: d.values.length > 1 ? "lines" : "markers", line: { color: c.blue, width: 1.5 }, name: d.label, hovertemplate: `%{x}: %{y:.2f} ${d.unit}<extra></extra>` }],
    layout: {
      xaxis: { visible: false, fixedrange: true },
      yaxis: { visible: false, fixedrange: true },
      margin: { l: 2, r: 2, t: 2, b: 2 },
      shapes: d.target === null ? [] : [{ type: "line", xref: "paper", x0: 0, x1: 1, y0: d.target, y1: d.target, line: { color: c.quiet, dash: "dot", width: 1 } }],
    },
  }),
  months: (d, c) => ({
    traces: [{ x: d.months, y: d.returns, type: "bar", width: d.months.length < 8 ? 0.3 : 0.8, marker: { color: d.returns.map((one) => c[one < 0 ? "fill-critical" : "blue"]), pattern: { shape: d.returns.map((one) => (one < 0 ? "/" : "")) } }, hovertemplate: "%{x}: %{y:.2f} %<extra></extra>" }],
    layout: { xaxis: axis(c, { type: "category" }), yaxis: axis(c, { ticksuffix: " %", nticks: 5 }) },
  }),
  heat: (d, c) => {
    const known = d.values.flat().filter((one) => one !== null);
    const most = Math.max(0.01, ...known.map(Math.abs));
    return {
      traces: [{ type: "heatmap", x: d.columns, y: d.rows, z: d.values, zmin: -most, zmax: most, colorscale: [[0, "#d55e00"], [0.5, "#f7f7f7"], [1, "#0072b2"]], texttemplate: "%{z:.1f}", textfont: { size: d.columns.length > 12 ? 8 : 11 }, showscale: false, hoverongaps: false, xgap: 1, ygap: 1, hovertemplate: `${d.across} %{x}, ${d.down} %{y}: %{z:.2f}<extra></extra>` }],
      layout: { xaxis: axis(c, { type: "category", title: { text: d.across } }), yaxis: axis(c, { type: "category", title: { text: d.down } }) },
    };
  },
};

function monthEnd(day) {
  const [year, month] = day.split("-").map(Number);
  return new Date(Date.UTC(year, month, 0)).toISOString().slice(0, 10);
}

function draw(figure, colours) {
  const data = JSON.parse(figure.querySelector("script").textContent);
  const { traces, layout } = KINDS[data.kind](data, colours);
  return Plotly.react(
    figure.querySelector(".plot"),
    traces,
    {
      autosize: true,
      showlegend: false,
      margin: { l: 8, r: 8, t: 4, b: 4 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: style().fontFamily, size: 11, color: colours.text },
      hoverlabel: { bgcolor: colours.panel, font: { color: colours.text } },
      ...layout,
    },
    { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false },
  );
}

// All charts that are not drawn yet; with `anew` the drawn ones too, in the colours of another theme.
export function drawCharts(anew = false) {
  const figures = [...document.querySelectorAll("[data-chart]")];
  if (!figures.length) return;
  if (!("Plotly" in window)) {
    document.body.classList.add("no-charts");
    for (const details of document.querySelectorAll(".chart details")) details.open = true;
    return;
  }
  const colours = palette();
  const waiting = figures.filter((figure) => anew === true || !figure.querySelector(".plot").childElementCount);
  Promise.allSettled(waiting.map((figure) => draw(figure, colours))).then(() => {
    document.documentElement.dataset.drawn = String(figures.length);
  });
}
