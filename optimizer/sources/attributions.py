"""Origins that have to be named with the data of a source; for pages that need no source itself."""

ATTRIBUTIONS = {
    "energy-charts": "Bundesnetzagentur | SMARD.de, through energy-charts.info (CC BY 4.0)",
    "smard": "Bundesnetzagentur | SMARD.de (CC BY 4.0)",
    "entsoe": "ENTSO-E Transparency Platform",
    "open-meteo": "Weather data by Open-Meteo.com",
    "forecast-solar": "Forecast.Solar",
    "solcast": "Solcast",
}
"""Attribution by the source's name; the others oblige to none."""
