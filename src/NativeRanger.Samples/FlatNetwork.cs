// A small neural network on MathNet matrices. It shows parameters and gradients that lie in one flat buffer each, the layers
// being views of them: one array to save, send or average, yet every layer with a name, a shape and options of its own.

using MathNet.Numerics.LinearAlgebra.Double;

namespace NativeRanger.Samples;

internal static class FlatNetwork
{
    private const int Inputs = 1;
    private const int Hidden = 24;

    /// <summary>The mean squared error before and after.</summary>
    public static (double Before, double After) Run(TextWriter output, int steps = 2000)
    {
        const int Examples = 128;
        // The last row of ones multiplies the biases.
        var x = DenseMatrix.Create(Inputs + 1, Examples, (i, j) => i < Inputs ? (2.0 * j / Examples) - 1 : 1);
        var y = DenseMatrix.Create(1, Examples, (_, j) => Math.Sin(4 * x[0, j]));

        var (weights, gradient) = (new double[Layers.Length], new double[Layers.Length]);
        var random = new Random(1);
        foreach (ref var weight in Layers.First(weights).Span)
        {
            weight = random.NextDouble() - 0.5;
        }

        foreach (ref var weight in Layers.Second(weights).Span)
        {
            weight = (random.NextDouble() - 0.5) / Hidden;
        }

        // MathNet stores matrices column by column, and so do the views.
        var recipe = new AdamW { LearningRate = 0.02 };
        using var stepper = recipe.Bind<double>([
            new ParameterGroup<double>(
                new Parameter<double>("first", Layers.First(weights), Hidden, Inputs + 1)
                {
                    StorageOrder = StorageOrder.ColumnMajor,
                }
            ),
            // No decay where the outputs are made.
            new ParameterGroup<double>(
                new Parameter<double>("second", Layers.Second(weights), 1, Hidden)
                {
                    StorageOrder = StorageOrder.ColumnMajor,
                }
            )
            {
                Optimizer = recipe with { WeightDecay = 0 },
            },
        ]);
        stepper.Schedule = Schedules.FlatAnneal(steps);

        var before = Backpropagate();
        for (var step = 1; step <= steps; step++)
        {
            stepper.Step([Layers.First(gradient), Layers.Second(gradient)]);
            var error = Backpropagate();
            if (step % Math.Max(1, steps / 4) == 0)
            {
                output.WriteLine($"step {step}: mean squared error {error:0.000000}");
            }
        }

        return (before, Backpropagate());

        // MathNet's matrices own their storage, so that a layer is copied out of its view, and its gradient into it.
        double Backpropagate()
        {
            var first = new DenseMatrix(Hidden, Inputs + 1, Layers.First(weights).ToArray());
            var second = new DenseMatrix(1, Hidden, Layers.Second(weights).ToArray());
            var hidden = (first * x).PointwiseTanh();
            var errors = (second * hidden) - y;
            var outward = errors * (2.0 / Examples);
            var inward = second.TransposeThisAndMultiply(outward).PointwiseMultiply(1 - hidden.PointwisePower(2));
            outward.TransposeAndMultiply(hidden).ToColumnMajorArray().CopyTo(Layers.Second(gradient));
            inward.TransposeAndMultiply(x).ToColumnMajorArray().CopyTo(Layers.First(gradient));
            return errors.PointwisePower(2).RowSums()[0] / Examples;
        }
    }

    /// <summary>Where each layer is in a flat buffer.</summary>
    private static class Layers
    {
        private const int FirstLength = Hidden * (Inputs + 1);

        public const int Length = FirstLength + Hidden;

        public static Memory<double> First(double[] buffer) => buffer.AsMemory(0, FirstLength);

        public static Memory<double> Second(double[] buffer) => buffer.AsMemory(FirstLength, Hidden);
    }
}
