using System.Numerics;

namespace NativeRanger.Tests.Exchange;

/// <summary>The problem and the recipes of tests/torch/exchange.py, on this side.</summary>
internal static class ExchangeCase
{
    public const int Half = 7;
    public const int End = 16;

    private static readonly (string Name, long[] Shape)[] Parameters =
    [
        ("w", [5, 13]),
        ("b", [7]),
        ("s", []),
        ("c", [3, 2, 2, 2]),
    ];

    public static IReadOnlyDictionary<string, Optimizer> Recipes { get; } =
        new Dictionary<string, Optimizer>(StringComparer.Ordinal)
        {
            ["sgd"] = new Sgd { LearningRate = 0.05, WeightDecay = 0.01 },
            ["sgd_momentum"] = new Sgd
            {
                LearningRate = 0.02,
                Momentum = 0.9,
                Dampening = 0.25,
            },
            ["sgd_nesterov"] = new Sgd
            {
                LearningRate = 0.02,
                Momentum = 0.9,
                Nesterov = true,
                WeightDecay = 0.01,
            },
            ["adagrad"] = new AdaGrad
            {
                LearningRate = 0.1,
                RateDecay = 0.01,
                InitialAccumulator = 0.5,
                WeightDecay = 0.01,
            },
            ["adam"] = new Adam { LearningRate = 0.01, WeightDecay = 0.01 },
            ["adam_amsgrad"] = new Adam { LearningRate = 0.01, AmsGrad = true },
            ["adamw"] = new AdamW { LearningRate = 0.01, WeightDecay = 0.1 },
            ["adamw_amsgrad"] = new AdamW
            {
                LearningRate = 0.01,
                Beta1 = 0.8,
                Beta2 = 0.99,
                AmsGrad = true,
            },
            ["radam"] = new RAdam { LearningRate = 0.01, WeightDecay = 0.01 },
            ["ranger"] = new Ranger { LearningRate = 0.01, WeightDecay = 0.1 },
            ["lookahead_adam"] = new Lookahead(new Adam { LearningRate = 0.01 }),
            ["lookahead_sgd"] = new Lookahead(new Sgd { LearningRate = 0.02, Momentum = 0.9 })
            {
                Period = 6,
                Blend = 0.5,
            },
            ["lookahead_sgd_reset"] = new Lookahead(new Sgd { LearningRate = 0.02, Momentum = 0.9 })
            {
                InnerState = InnerState.Reset,
            },
            ["lookahead_sgd_pullback"] = new Lookahead(new Sgd { LearningRate = 0.02, Momentum = 0.9 })
            {
                InnerState = InnerState.Pullback,
            },
        };

    /// <summary>Binds the case where Python starts it. In float64 the matrix is column-major: PyTorch must not notice.</summary>
    public static Stepper<T> Bind<T>(string name, Backend? backend = null)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var recipe = Recipes[name];
        var all = Parameters.Select((parameter, p) => Create<T>(p, parameter.Name, parameter.Shape)).ToArray();
        return recipe.Bind(
            [
                new ParameterGroup<T>(all[..2]),
                new ParameterGroup<T>(all[2..]) { Optimizer = recipe with { LearningRate = 0.03 } },
            ],
            backend
        );
    }

    public static void Run<T>(string name, Stepper<T> stepper, int first, int last)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (var t = first; t <= last; t++)
        {
            stepper.Step([.. stepper.Parameters.Select((parameter, p) => Gradient(name, parameter, p, t))]);
        }
    }

    private static Parameter<T> Create<T>(int p, string name, long[] shape)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var values = new T[shape.Aggregate(1L, (a, b) => a * b)];
        var parameter = shape switch
        {
            [] => Parameter<T>.Scalar(name, values),
            [_, _] when typeof(T) == typeof(double) => new Parameter<T>(name, values, shape)
            {
                StorageOrder = StorageOrder.ColumnMajor,
            },
            _ => new(name, values, shape),
        };
        Fill(parameter, values, i => (((13 * i) + (5 * p)) % 37) - 18, 32);
        return parameter;
    }

    private static T[]? Gradient<T>(string name, Parameter<T> parameter, int p, int t)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (
            !name.StartsWith("lookahead", StringComparison.Ordinal)
            && ((p == 3 && t <= Half) || (p == 1 && t is 3 or 4))
        )
        {
            return null;
        }

        var values = new T[parameter.Length];
        Fill(parameter, values, i => (((31 * i) + (17 * t) + (7 * p)) % 101) - 50, 64);
        return values;
    }

    /// <summary>Values that are exact in both types, by their row-major index.</summary>
    private static void Fill<T>(Parameter<T> parameter, T[] values, Func<int, int> numerator, int denominator)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (var i = 0; i < values.Length; i++)
        {
            var at = i;
            if (parameter.StorageOrder == StorageOrder.ColumnMajor)
            {
                var (row, column) = Math.DivRem(i, (int)parameter.Shape[1]);
                at = (column * (int)parameter.Shape[0]) + row;
            }

            values[at] = T.CreateChecked(numerator(i)) / T.CreateChecked(denominator);
        }
    }
}
