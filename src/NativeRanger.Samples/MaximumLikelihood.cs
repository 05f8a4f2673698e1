// A maximum-likelihood fit: shape and rate of a gamma distribution from 10,000 observations. It shows that a program which
// uses MathNet's BfgsMinimizer changes one line, the one that makes the minimizer, and keeps everything else.

using MathNet.Numerics;
using MathNet.Numerics.Distributions;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Optimization;
using NativeRanger.Numerics;

namespace NativeRanger.Samples;

internal static class MaximumLikelihood
{
    public const double Shape = 2.5;
    public const double Rate = 0.8;

    /// <summary>The estimates by BFGS and by Adam.</summary>
    public static ((double Shape, double Rate) Bfgs, (double Shape, double Rate) Adam) Run(
        TextWriter output,
        int observations = 10_000
    )
    {
        var x = new Gamma(Shape, Rate, new Random(1)).Samples().Take(observations).ToArray();
        var (mean, meanLog) = (x.Average(), x.Average(Math.Log));

        // -log-likelihood per observation. Shape and rate are positive, so their logarithms are what is searched for.
        var objective = ObjectiveFunction.Gradient(log =>
        {
            var (shape, rate) = (Math.Exp(log[0]), Math.Exp(log[1]));
            var value = SpecialFunctions.GammaLn(shape) - (shape * log[1]) - ((shape - 1) * meanLog) + (rate * mean);
            var byShape = SpecialFunctions.DiGamma(shape) - log[1] - meanLog;
            var byRate = mean - (shape / rate);
            return (value, Vector<double>.Build.Dense([byShape * shape, byRate * rate]));
        });
        var start = Vector<double>.Build.Dense(2);

        var bfgs = Fit("BFGS", new BfgsMinimizer(1e-8, 1e-8, 1e-8));
        var adam = Fit("Adam", new FirstOrderMinimizer(new Adam { LearningRate = 0.05 }, 1e-8)); // the line
        return (bfgs, adam);

        (double, double) Fit(string name, IUnconstrainedMinimizer minimizer)
        {
            var result = minimizer.FindMinimum(objective, start);
            var (shape, rate) = (Math.Exp(result.MinimizingPoint[0]), Math.Exp(result.MinimizingPoint[1]));
            output.WriteLine(
                $"{name}: shape {shape:0.000000}, rate {rate:0.000000} (true: {Shape}, {Rate}) after {result.Iterations} "
                    + $"iterations, {result.ReasonForExit}"
            );
            return (shape, rate);
        }
    }
}
