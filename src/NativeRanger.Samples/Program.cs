using NativeRanger.Samples;

var samples = new Dictionary<string, Action<TextWriter>>(StringComparer.Ordinal)
{
    ["likelihood"] = output => MaximumLikelihood.Run(output),
    ["regression"] = output => RobustRegression.Run(output),
    ["network"] = output => FlatNetwork.Run(output),
    ["factorisation"] = output => Factorisation.Run(output),
    ["device"] = output => DeviceLoop.Run(output),
};

if (args is [var name] && samples.TryGetValue(name, out var sample))
{
    sample(Console.Out);
    return 0;
}

Console.Error.WriteLine($"Which sample? There are {string.Join(", ", samples.Keys)}.");
return 2;
