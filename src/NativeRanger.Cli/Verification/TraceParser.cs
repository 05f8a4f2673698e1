namespace NativeRanger.Cli.Verification;

/// <summary>Turns the JSON of a trace into a <see cref="Trace"/>, and refuses what contradicts itself.</summary>
internal static class TraceParser
{
    public static Trace Parse(TraceNode root, string fallbackName)
    {
        var schema = root.Required("schema").Text();
        if (!string.Equals(schema, Trace.Schema, StringComparison.Ordinal))
        {
            throw new TraceFormatException($"The schema is '{schema}'; this reads '{Trace.Schema}'.");
        }

        var parameters = root.Required("params").Items().Select(Parameter).ToArray();
        var steps = root.Required("steps").Integer();
        if (steps < 0)
        {
            throw new TraceFormatException($"steps must be at least 0; it is {steps}.");
        }

        var source = GradientSource(root.Optional("gradient_source"));
        var groups = Groups(root.Optional("param_groups"), parameters.Length);
        var expected = root.Required("expected");
        var recorded = root.Optional("recorded_steps")?.Items().Select(item => item.Integer()).ToArray() ?? [];
        var trace = new Trace
        {
            Name = root.Optional("name")?.Text() ?? fallbackName,
            Family = root.Required("family").Text(),
            IsUpstreamQuirk = root.Required("conformance").Text() switch
            {
                "canonical" => false,
                "upstream-quirk" => true,
                var other => throw new TraceFormatException(
                    $"conformance must be canonical or upstream-quirk; it is '{other}'."
                ),
            },
            Notes = Notes(root.Optional("notes")),
            Options = Values(root.Optional("options")),
            Lookahead = Lookahead(root.Optional("lookahead")),
            Groups = groups,
            OptionsAtStep = OptionsAtStep(root.Optional("options_at_step"), groups.Length),
            Parameters = parameters,
            Steps = steps,
            GradientSource = source,
            Gradients = source is null ? Gradients(root.Required("gradients"), steps, parameters) : [],
            Float64 = Expectation(expected.Optional("float64"), recorded, steps, parameters),
            Float32 = Expectation(expected.Optional("float32"), recorded, steps, parameters),
        };
        return trace.Float64 is null && trace.Float32 is null
            ? throw new TraceFormatException("expected holds neither float64 nor float32.")
            : trace;
    }

    private static TraceParameter Parameter(TraceNode node)
    {
        var extents = node.Required("shape").Items().Select(item => (long)item.Integer()).ToArray();
        var initial = node.Required("initial").Numbers();
        if (extents.Any(extent => extent < 0))
        {
            throw new TraceFormatException($"{node.Path}.shape has a negative extent.");
        }

        var elements = extents.Aggregate(1d, (product, extent) => product * extent);
        return elements == initial.Length
            ? new(extents, initial)
            : throw new TraceFormatException(
                $"{node.Path}.shape [{string.Join(", ", extents)}] has {elements} elements, but initial has {initial.Length}."
            );
    }

    private static string[] Notes(TraceNode? node) =>
        node switch
        {
            null => [],
            { IsText: true } text => [text.Text()],
            { } list => [.. list.Items().Select(item => item.Text())],
        };

    private static TraceValues Values(TraceNode? node) => node is { } table ? new(table.Members()) : TraceValues.None;

    private static TraceLookahead? Lookahead(TraceNode? node) =>
        node is { } table
            ? new(
                table.Required("inner").Text(),
                table.Optional("k"),
                table.Optional("alpha"),
                table.Optional("pullback_momentum")?.Text() ?? "none"
            )
            : null;

    private static TraceGroup[] Groups(TraceNode? node, int parameterCount)
    {
        if (node is not { } list)
        {
            return [new([.. Enumerable.Range(0, parameterCount)], TraceValues.None)];
        }

        var groups = list.Items()
            .Select(group => new TraceGroup(
                [.. group.Required("params").Items().Select(item => item.Integer())],
                Values(group.Optional("options"))
            ))
            .ToArray();
        var members = groups.SelectMany(group => group.Parameters).Order().ToArray();
        return members.SequenceEqual(Enumerable.Range(0, parameterCount))
            ? groups
            : throw new TraceFormatException(
                $"param_groups must name each of the parameters 0 to {parameterCount - 1} once; it names {string.Join(", ", members)}."
            );
    }

    private static Dictionary<int, IReadOnlyDictionary<int, TraceValues>> OptionsAtStep(TraceNode? node, int groupCount)
    {
        var changes = new Dictionary<int, IReadOnlyDictionary<int, TraceValues>>();
        foreach (var (step, groups) in node?.Members() ?? [])
        {
            changes[Key(step, groups.Path)] = groups
                .Members()
                .ToDictionary(
                    group =>
                        Key(group.Name, group.Value.Path) is var index && index >= 0 && index < groupCount
                            ? index
                            : throw new TraceFormatException($"{group.Value.Path}: there is no group {group.Name}."),
                    group => Values(group.Value)
                );
        }

        return changes;
    }

    private static TraceGradientSource? GradientSource(TraceNode? node) =>
        node switch
        {
            null => null,
            { IsText: true } text when text.Text() is "recorded" => null,
            { IsText: true } text => new(text.Text(), null),
            { } table => new(table.Required("function").Text(), table.Optional("definition")?.Text()),
        };

    private static double[]?[][] Gradients(TraceNode node, int steps, TraceParameter[] parameters)
    {
        var items = node.Items();
        if (items.Length != steps)
        {
            throw new TraceFormatException($"gradients has {items.Length} entries for {steps} steps.");
        }

        return [.. items.Select(step => Arrays(step, parameters, mayBeNull: true))];
    }

    private static double[]?[] Arrays(TraceNode node, TraceParameter[] parameters, bool mayBeNull)
    {
        var items = node.Items();
        if (items.Length != parameters.Length)
        {
            throw new TraceFormatException(
                $"{node.Path} has {items.Length} entries for {parameters.Length} parameters."
            );
        }

        var arrays = new double[]?[items.Length];
        for (var i = 0; i < items.Length; i++)
        {
            if (mayBeNull && items[i].IsNull)
            {
                continue;
            }

            var numbers = items[i].Numbers();
            arrays[i] =
                numbers.Length == parameters[i].Initial.Length
                    ? numbers
                    : throw new TraceFormatException(
                        $"{items[i].Path} has {numbers.Length} elements; the parameter has {parameters[i].Initial.Length}."
                    );
        }

        return arrays;
    }

    private static TraceExpectation? Expectation(
        TraceNode? node,
        int[] recorded,
        int steps,
        TraceParameter[] parameters
    )
    {
        if (node is not { } section)
        {
            return null;
        }

        var tolerance = section.Required("tolerance");
        var byStep = new Dictionary<int, double[][]>();
        foreach (var (step, values) in section.Required("params").Members())
        {
            byStep[Key(step, values.Path)] = [.. Arrays(values, parameters, mayBeNull: false).Select(a => a!)];
        }

        foreach (var step in recorded.Where(step => !byStep.ContainsKey(step)))
        {
            throw new TraceFormatException($"{section.Path}.params has no step {step}, which recorded_steps names.");
        }

        foreach (var step in byStep.Keys.Where(step => step < 0 || step > steps))
        {
            throw new TraceFormatException($"{section.Path}.params has step {step}; there are {steps} steps.");
        }

        return new(
            new(tolerance.Required("abs").Number(), tolerance.Required("rel").Number()),
            byStep,
            FinalState(section.Optional("final_state"), parameters)
        );
    }

    private static TraceValues[] FinalState(TraceNode? node, TraceParameter[] parameters)
    {
        if (node is not { } list)
        {
            return [];
        }

        var items = list.Items();
        return items.Length == parameters.Length
            ? [.. items.Select(item => item.IsNull ? TraceValues.None : Values(item))]
            : throw new TraceFormatException(
                $"{list.Path} has {items.Length} entries for {parameters.Length} parameters."
            );
    }

    private static int Key(string text, string path) =>
        int.TryParse(text, out var number)
            ? number
            : throw new TraceFormatException($"{path}: '{text}' is not an integer.");
}
